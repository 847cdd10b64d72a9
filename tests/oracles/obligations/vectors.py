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
    (23, "NIH-GDS", {"status": WAITING, "due_at": "2026-06-02T23:30:00+02:00"}),
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

EU = {"timezone": "Europe/Berlin", "aware_at": "2026-11-02T09:00:00+01:00"}
CRA = {**EU, "roles": ["product_manufacturer"], "exploited_vulnerability": True, "severe_product_incident": True}
NIS2 = {**EU, "roles": ["essential_entity"], "significant_service_incident": True}
SENT_72 = [{"obligation": "NIS2-72", "submitted_at": "2026-11-05T08:00:00+01:00"}]
CONTROLLER = {**EU, "roles": ["controller"], "risk": "high", "secured": False}


def people(*places):
    return [{"jurisdiction": place, "subjects": count, "categories": ["health"]} for place, count in places]


PHR = {"roles": ["phr_vendor"], "discovered_on": "2026-01-15", "secured": False}

# What facts come to, each with its facts beside it: (facts, {obligation: what its answer holds}).
BESIDE = [
    # Places: a prefecture counts as Japan, a territory with a code of its own as part of its State, `EU` as somewhere in it.
    ({"roles": ["pihbo"], "aware_at": "2026-04-01T09:00:00+09:00", "timezone": "Asia/Tokyo", "secured": False, "wrongful_purpose": False,
      "property_damage_risk": False, "affected": people(("JP-13", 1), ("JP", 1))},
     {"APPI-26-fin": {"status": DUE, "due_on": "2026-04-30"}}),
    ({"roles": ["covered_entity"], "discovered_on": "2026-01-15", "secured": False, "affected": people(("PR", 501))},
     {"HIPAA-406": {"status": DUE, "recipients_for": ["US-PR"]}}),
    ({**CONTROLLER, "affected": people(("RE", 1), ("EU", 5))}, {"GDPR-33-1": {"status": DUE, "recipients_for": ["EU-FR"]}}),
    # People of whom nobody knows where they live may live in the EU, and may make 500 of 499.
    ({**CONTROLLER, "affected": people(("unknown", 3))}, {"GDPR-33-1": {"status": WAITING}, "GDPR-34-1": {"status": WAITING}}),
    ({**PHR, "affected": people(("US-CA", 499), ("unknown", 1))},
     {"FTC-HBNR": {"status": DUE}, "FTC-HBNR-now": {"status": WAITING}, "FTC-HBNR-year": {"status": WAITING},
      "FTC-HBNR-media": {"status": WAITING}}),
    # Nobody knows the roles: what may be owed waits, its clock is shown, and what is not owed in any role has no line.
    ({**EU, "risk": "risk", "affected": people(("EU-DE", 3)), "significant_service_incident": False},
     {"GDPR-33-1": {"status": WAITING, "due_at": "2026-11-05T09:00:00+01:00"}, "NIS2-24": None, "HIPAA-404": None}),
    ({"roles": [], "risk": "risk"}, {"GDPR-33-1": None}),
    # 16 CFR 318.5: the thresholds of the FTC; media from 500 of one State on, where HIPAA needs 501.
    ({**PHR, "affected": people(("US-CA", 500))},
     {"FTC-HBNR": {"status": DUE, "due_on": "2026-03-16"}, "FTC-HBNR-now": {"status": DUE, "due_on": "2026-03-16"},
      "FTC-HBNR-year": {"status": NOT}, "FTC-HBNR-media": {"status": DUE, "due_on": "2026-03-16", "recipients_for": ["US-CA"]}}),
    ({**PHR, "affected": people(("US-CA", 499))},
     {"FTC-HBNR-now": {"status": NOT}, "FTC-HBNR-year": {"status": DUE, "due_on": "2027-03-01"}, "FTC-HBNR-media": {"status": NOT}}),
    ({**PHR, "affected": people(("US-CA", 400), ("US-NV", 400))}, {"FTC-HBNR-now": {"status": DUE}, "FTC-HBNR-media": {"status": NOT}}),
    # What is discovered at the latest with awareness: 23:30 on 15 January in Los Angeles.
    ({"roles": ["covered_entity"], "aware_at": "2026-01-16T07:30:00Z", "timezone": "America/Los_Angeles", "secured": False,
      "affected": people(("US-CA", 10))},
     {"HIPAA-404": {"status": WAITING, "start_on": "2026-01-15", "due_on": "2026-03-16"}}),
    # NIS2 Art. 23(4)(c): once asked; a no ends it, and until then it waits for nothing else.
    (NIS2, {"NIS2-int": {"status": WAITING, "on_request": True}}),
    ({**NIS2, "significant_service_incident": None}, {"NIS2-int": {"status": WAITING, "on_request": None}}),
    ({**NIS2, "authority_asked": False}, {"NIS2-int": {"status": NOT}}),
    ({**NIS2, "authority_asked": True}, {"NIS2-int": {"status": PROMPTLY, "on_request": None}}),
    ({**NIS2, "authority_request_at": "2026-11-06T10:00:00+01:00"}, {"NIS2-int": {"status": PROMPTLY}}),
    # Art. 23(4)(e): the progress report when the final one would be due, the final one a month after the handling.
    ({**NIS2, "notifications": SENT_72}, {"NIS2-prog": {"status": NOT}, "NIS2-fin": {"status": DUE, "due_on": "2026-12-05"}}),
    ({**NIS2, "notifications": SENT_72, "incident_ongoing": True},
     {"NIS2-prog": {"status": DUE, "due_on": "2026-12-05", "legal_due_on": "2026-12-07"}, "NIS2-fin": {"status": WAITING, "due_on": None}}),
    ({**NIS2, "notifications": SENT_72, "incident_ongoing": True, "handled_on": "2027-01-31"},
     {"NIS2-fin": {"status": DUE, "due_on": "2027-02-28", "legal_due_on": "2027-03-01"}}),
    # CRA Art. 14: each step by a notice of its own.
    (CRA, {"CRA-14": {"status": DUE, "due_at": "2026-11-03T09:00:00+01:00"}, "CRA-14-72": {"status": DUE, "due_at": "2026-11-05T09:00:00+01:00"},
           "CRA-14-vul": {"status": WAITING}, "CRA-14-inc": {"status": WAITING}}),
    ({**CRA, "corrective_measure_on": "2026-11-15", "notifications": [{"obligation": "CRA-14", "submitted_at": "2026-11-02T20:00:00Z"},
      {"obligation": "CRA-14-72", "submitted_at": "2026-11-04T20:00:00Z"}]},
     {"CRA-14": {"status": MET}, "CRA-14-72": {"status": MET}, "CRA-14-vul": {"status": DUE, "due_on": "2026-11-29", "legal_due_on": "2026-11-30"},
      "CRA-14-inc": {"status": DUE, "due_on": "2026-12-04"}}),
    ({**CRA, "severe_product_incident": False}, {"CRA-14-inc": {"status": NOT}}),
    # GDPR Art. 3(1), 34(3)(b), 56(1).
    ({**CONTROLLER, "affected": people(("US-CA", 3))}, {"GDPR-33-1": {"status": NOT}}),
    ({**CONTROLLER, "affected": people(("US-CA", 3)), "eu_established": True, "lead_authority": "EU-IE"},
     {"GDPR-33-1": {"status": DUE, "recipients_for": ["EU-IE"]}, "GDPR-34-1": {"status": PROMPTLY}}),
    ({**CONTROLLER, "affected": people(("EU-DE", 3), ("EU-FR", 3)), "lead_authority": "EU-FR"},
     {"GDPR-33-1": {"status": DUE, "recipients_for": ["EU-FR"]}}),
    ({**CONTROLLER, "affected": people(("EU-DE", 3)), "high_risk_removed": True}, {"GDPR-33-1": {"status": DUE}, "GDPR-34-1": {"status": NOT}}),
    ({**CONTROLLER, "affected": people(("EU-DE", 3)), "disproportionate_effort": True}, {"GDPR-34-1": {"status": PROMPTLY}}),
    # What is not material, and what is no data of NIH's.
    ({**EU, "roles": ["sec_registrant", "nih_approved_user"], "material": False, "nih_data_involved": False},
     {"SEC-8K": {"status": NOT}, "NIH-GDS": {"status": NOT}}),
    ({**EU, "roles": ["sec_registrant", "nih_approved_user"], "material": True, "nih_data_involved": True},
     {"SEC-8K": {"status": WAITING}, "NIH-GDS": {"status": DUE, "due_at": "2026-11-03T09:00:00+01:00"}}),
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
    (calendars.is_japanese_holiday, date(2022, 9, 23), True),
    (calendars.is_japanese_holiday, date(2023, 3, 21), True),
    (calendars.is_japanese_holiday, date(2024, 9, 22), True),
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
    count, failing = 0, 0
    for facts, expected in BESIDE:
        found = {line["obligation"]: line for line in law.answers(facts, 1)}
        for obligation, holds in expected.items():
            count += 1
            if holds is None:
                fault = "an answer" if obligation in found else None
            else:
                fault = wrong({1: found}, 1, obligation, holds)
            if fault:
                failing += 1
                print(f"{json.dumps(facts)} {obligation}: {fault}")
    print(f"{count - failing} of {count} vectors with their facts beside them hold")
    failed += failing
    faults = [day for is_holiday, day, expected in HOLIDAYS if is_holiday(day) != expected]
    for day in faults:
        print(f"holiday {day}: wrong")
    print(f"{len(HOLIDAYS) - len(faults)} of {len(HOLIDAYS)} holidays hold")
    return 1 if failed or faults else 0
