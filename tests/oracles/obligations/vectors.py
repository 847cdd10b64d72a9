"""Test vectors: what has to come out for each line of vectors.ndjson, worked out by hand from the texts."""

import json
import pathlib
from datetime import date

import calendars
import law

FACTS = pathlib.Path(__file__).with_name("vectors.ndjson")

NOT, DUE, MET, TOLLED, WAITING, PROMPTLY = "not_triggered", "due", "met", "tolled", "waiting", "promptly"

# The breach clocks of the fact sheet's table of vectors: (line of vectors.ndjson, obligation, what its answer holds).
SHEET = [
    # Hours are added in UTC and shown in the zone: summer time begins, summer time ends.
    (1, "GDPR-33-1", {"status": DUE, "due_at": "2026-03-30T23:30:00+02:00", "recipients_for": ["EU-DE"]}),
    (2, "NIS2-24", {"status": DUE, "due_at": "2026-10-24T09:00:00+02:00"}),
    (2, "NIS2-72", {"status": DUE, "due_at": "2026-10-26T08:00:00+01:00"}),
    # HIPAA: 60 calendar days; weekends are not skipped.
    (3, "HIPAA-404", {"status": DUE, "start_on": "2026-01-15", "due_on": "2026-03-16"}),
    (4, "HIPAA-404", {"status": DUE, "start_on": "2026-12-20", "due_on": "2027-02-18"}),
    # HIPAA: 60 days after the end of the year of discovery.
    (5, "HIPAA-408c", {"status": DUE, "due_on": "2026-03-01"}),
    (6, "HIPAA-408c", {"status": DUE, "due_on": "2027-03-01"}),
    (7, "HIPAA-408c", {"status": DUE, "due_on": "2028-02-29"}),
    # HIPAA: 499, 500 and 501 in one State, 400 in each of two.
    (8, "HIPAA-406", {"status": NOT}),
    (8, "HIPAA-408b", {"status": NOT}),
    (8, "HIPAA-408c", {"status": DUE, "due_on": "2027-03-01"}),
    (9, "HIPAA-406", {"status": NOT}),
    (9, "HIPAA-408b", {"status": DUE, "due_on": "2026-03-16"}),
    (9, "HIPAA-408c", {"status": NOT}),
    (10, "HIPAA-406", {"status": DUE, "due_on": "2026-03-16", "recipients_for": ["US-CA"]}),
    (10, "HIPAA-408b", {"status": DUE, "due_on": "2026-03-16"}),
    (11, "HIPAA-406", {"status": NOT}),
    (11, "HIPAA-408b", {"status": DUE, "due_on": "2026-03-16"}),
    # APPI: 1,000 are not more than 1,000; the day known is day one; the roll past a weekend is given beside it.
    (12, "APPI-26-fin", {"status": NOT}),
    (13, "APPI-26-fin", {"status": DUE, "start_on": "2026-04-01", "due_on": "2026-04-30", "legal_due_on": None}),
    (13, "APPI-26-pre", {"status": PROMPTLY, "start_on": "2026-04-01"}),
    (14, "APPI-26-fin", {"status": DUE, "due_on": "2026-05-30", "legal_due_on": "2026-06-01"}),
    # NIS2: one month after the notification; 28 February 2026 is a Saturday.
    (15, "NIS2-fin", {"status": DUE, "due_on": "2026-02-28", "legal_due_on": "2026-03-02"}),
]

# Beyond the sheet's vectors: sentences of the page, one at a time.
PAGE = [
    # `secured` exempts from GDPR-34, HIPAA and APPI, never from GDPR-33-1.
    (16, "GDPR-33-1", {"status": DUE}),
    (16, "GDPR-34-1", {"status": NOT}),
    (16, "HIPAA-404", {"status": NOT}),
    (16, "APPI-26-fin", {"status": NOT}),
    # 164.412(a): a written statement names the end; other laws are not delayed.
    (17, "HIPAA-404", {"status": TOLLED, "due_on": "2026-06-01"}),
    (17, "FTC-HBNR", {"status": DUE, "due_on": "2026-03-16"}),
    # 164.412(b): an oral one lasts 30 days; here it ends before the deadline.
    (18, "HIPAA-410", {"status": TOLLED, "due_on": "2026-03-16"}),
    # A written one without an end.
    (19, "HIPAA-404", {"status": WAITING, "due_on": "2026-03-16"}),
    # Facts not known: the clock is shown while one asks.
    (20, "GDPR-33-1", {"status": WAITING, "due_at": "2026-06-04T10:00:00+00:00"}),
    (20, "GDPR-33-2", {"status": PROMPTLY, "start_at": "2026-06-01T10:00:00+00:00"}),
    (20, "NIS2-fin", {"status": WAITING, "start_at": None}),
    (20, "SEC-8K", {"status": WAITING}),
    (20, "CTR-54", {"status": NOT}),
    # Its own notice meets an obligation, and the deadline stays.
    (21, "GDPR-33-1", {"status": MET, "due_at": "2026-06-04T10:00:00+00:00", "recipients_for": ["EU-FR", "EU-IE"]}),
    # An unknown wrongful purpose where another trigger holds: the earlier 30 days. 3 to 5 May 2026 are holidays, the 6th
    # their substitute.
    (22, "APPI-26-fin", {"status": DUE, "due_on": "2026-05-03", "legal_due_on": "2026-05-07"}),
    # Days by Reg. 1182/71; the day is the zone's: 23:30 on 1 June in Berlin.
    (23, "CTR-52", {"status": DUE, "due_on": "2026-06-08", "legal_due_on": None}),
    (23, "CTR-54", {"status": DUE, "due_on": "2026-06-13", "legal_due_on": "2026-06-15"}),
    (23, "MDR-87", {"status": DUE, "due_on": "2026-06-11"}),
    (23, "CRA-14", {"status": DUE, "due_at": "2026-06-02T23:30:00+02:00"}),
    (23, "NIH-GDS", {"status": DUE, "due_at": "2026-06-02T23:30:00+02:00"}),
    # Business days: 3 July 2026 is kept for the 4th by federal offices, not by California's.
    (24, "SEC-8K", {"status": DUE, "due_on": "2026-07-08"}),
    (24, "US-state", {"status": DUE, "due_on": "2026-07-21"}),
    # 164.402(1): each of the three exceptions ends what HIPAA asks for, whatever else is unknown; the day of the breach moves nothing.
    (25, "HIPAA-404", {"status": NOT}),
    (25, "HIPAA-406", {"status": NOT}),
    (25, "HIPAA-408b", {"status": NOT}),
    (26, "HIPAA-404", {"status": NOT}),
    (26, "HIPAA-408c", {"status": NOT}),
    (27, "HIPAA-410", {"status": NOT}),
    # One that nobody has shown is none, and none counts for another law.
    (28, "HIPAA-404", {"status": DUE, "due_on": "2026-03-16"}),
    (28, "FTC-HBNR", {"status": DUE, "due_on": "2026-03-16"}),
    (29, "FTC-HBNR", {"status": DUE, "due_on": "2026-03-16"}),
    # Rules Art. 7(i), parenthesis, and APPI Art. 41(9).
    (30, "APPI-26-pre", {"status": NOT}),
    (30, "APPI-26-entr", {"status": NOT}),
    (31, "APPI-26-fin", {"status": NOT}),
    (32, "APPI-26-fin", {"status": DUE, "due_on": "2026-04-30"}),
]

# Holidays as proclaimed, for the rules that derive them.
HOLIDAYS = [
    (calendars.is_japanese_holiday, date(2024, 5, 6), True),  # substitute for Sunday 5 May
    (calendars.is_japanese_holiday, date(2024, 9, 23), True),  # substitute for the equinox
    (calendars.is_japanese_holiday, date(2025, 5, 6), True),  # substitute for Sunday 4 May, after the 5th
    (calendars.is_japanese_holiday, date(2025, 11, 24), True),
    (calendars.is_japanese_holiday, date(2026, 5, 6), True),
    (calendars.is_japanese_holiday, date(2026, 9, 22), True),  # between two holidays
    (calendars.is_japanese_holiday, date(2027, 3, 22), True),
    (calendars.is_japanese_holiday, date(2027, 9, 22), False),
    (calendars.is_japanese_holiday, date(2028, 5, 2), False),
    (calendars.is_federal_holiday, date(2027, 12, 31), True),  # for Saturday 1 January 2028
    (calendars.is_federal_holiday, date(2027, 6, 18), True),
    (calendars.is_federal_holiday, date(2020, 6, 19), False),
    (calendars.is_california_holiday, date(2028, 11, 10), True),  # for Saturday 11 November
    (calendars.is_california_holiday, date(2026, 7, 3), False),
]


def wrong(answers, line, obligation, expected):
    """What of the expected does not hold, or nothing."""
    found = answers[line].get(obligation)
    if found is None:
        return "no answer"
    parts = [f"{key}: {found.get(key)}, not {value}" for key, value in expected.items() if found.get(key) != value]
    return "; ".join(parts)


def run():
    with open(FACTS, encoding="utf-8") as file:
        lines = [law.answers(json.loads(text), number) for number, text in enumerate(file, 1)]
    answers = {number: {line["obligation"]: line for line in found} for number, found in enumerate(lines, 1)}
    failed = 0
    for name, vectors in (("of the fact sheet", SHEET), ("of the page", PAGE)):
        faults = [(vector, fault) for vector in vectors if (fault := wrong(answers, *vector))]
        for (line, obligation, _), fault in faults:
            print(f"line {line} {obligation}: {fault}")
        print(f"{len(vectors) - len(faults)} of {len(vectors)} vectors {name} hold")
        failed += len(faults)
    faults = [day for is_holiday, day, expected in HOLIDAYS if is_holiday(day) != expected]
    for day in faults:
        print(f"holiday {day}: wrong")
    print(f"{len(HOLIDAYS) - len(faults)} of {len(HOLIDAYS)} holidays hold")
    return 1 if failed or faults else 0
