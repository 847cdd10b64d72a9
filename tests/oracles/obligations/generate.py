"""Incidents at random, dense where clocks break: thresholds, ends of months, changes of the hour, holidays, and what is not known.

Everything made here is valid by docs/reference/obligations.md. The same seed gives the same incidents."""

import random
from datetime import date, datetime, time, timedelta, timezone

import law
from calendars import (
    DAY,
    california_holidays_of,
    end_of_month,
    federal_holidays_of,
    japanese_holidays_of,
)

UTC = timezone.utc
IDS = [obligation.id for obligation in law.OBLIGATIONS]
STARTED_BY = {"NIS2-fin": "NIS2-72", "NIS2-prog": "NIS2-72", "CRA-14-inc": "CRA-14-72"}
OBLIGATION = {obligation.id: obligation for obligation in law.OBLIGATIONS}

ROLES = (
    "controller processor covered_entity business_associate pihbo essential_entity important_entity sponsor phr_vendor "
    "product_manufacturer device_manufacturer sec_registrant nih_approved_user licensed_clinic_ca covered_ci_entity"
).split()

# The 27 Member States and the three of the EEA, in which the GDPR applies as well.
EUROPE = ["EU-" + code for code in (
    "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE IS LI NO"
).split()]
STATES = ["US-" + code for code in "CA NY TX FL WA IL MA DC PR GU".split()]
ELSEWHERE = ["GB", "CH", "CA", "AU", "BR", "IN", "SG", "KR", "CA-ON", "GB-SCT", "PR", "GU", "RE", "AX"]
PREFECTURES = ["JP-01", "JP-13", "JP-27", "JP-47"]
CATEGORIES = "health genetic special_care criminal contact financial".split()

COUNTS = [0, 0, 1, 1, 2, 100, 249, 250, 251, 400, 498, 499, 499, 500, 500, 501, 501, 502, 600, 800, 999, 1000, 1000, 1001, 1001, 1002]

# Zones whose rules have been steady, with and without changes of the hour, by half an hour, by negative summer time, south and north.
ZONES = (
    "UTC Etc/GMT+12 Europe/Berlin Europe/Berlin Europe/Paris Europe/London Europe/Dublin Europe/Lisbon Europe/Athens "
    "Europe/Helsinki Atlantic/Azores America/New_York America/New_York America/Chicago America/Denver America/Phoenix "
    "America/Los_Angeles America/Los_Angeles America/Anchorage Pacific/Honolulu America/St_Johns "
    "America/Santiago America/Sao_Paulo Asia/Tokyo Asia/Tokyo Asia/Kolkata Asia/Kathmandu Asia/Shanghai Asia/Jerusalem "
    "Australia/Sydney Australia/Lord_Howe Australia/Adelaide Pacific/Auckland Pacific/Chatham Pacific/Kiritimati"
).split()

# Days around which calendars break, less the longest period and the roll after it.
FIRST, LAST = date(2024, 1, 3), date(2028, 10, 28)

# A start so many days before an interesting day has its end there.
LEADS = [0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 10, 14, 15, 21, 22, 23, 28, 29, 30, 31, 58, 59, 60, 61]


def interesting_days():
    days = set()
    for year in range(2024, 2029):
        for month in range(1, 13):
            days |= {date(year, month, 1), end_of_month(year, month), end_of_month(year, month) - DAY}
        days |= {date(year, 2, 28), date(year, 3, 1)}
        days |= {date(year, 12, 24) + n * DAY for n in range(14)}  # the year's end
        days |= {date(year, 4, 27) + n * DAY for n in range(12)}  # Golden Week
        for holidays in (japanese_holidays_of, federal_holidays_of, california_holidays_of):
            for holiday in holidays(year):
                days |= {holiday - DAY, holiday, holiday + DAY}
    return sorted(days)


INTERESTING = interesting_days()


def offset_at(zone, moment):
    return moment.astimezone(zone).utcoffset()


def change_between(zone, low, high):
    """The first second at which the offset is the later one's."""
    before = offset_at(zone, low)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        if offset_at(zone, middle) == before:
            low = middle
        else:
            high = middle
    return high


def changes_of_the_hour(zone):
    found, moment = [], datetime(2024, 1, 5, tzinfo=UTC)
    while moment.date() < LAST - 5 * DAY:
        later = moment + 7 * DAY
        if offset_at(zone, moment) != offset_at(zone, later):
            found.append(change_between(zone, moment, later))
        moment = later
    return found


CHANGES = {name: changes_of_the_hour(law.zone_named(name)) for name in set(ZONES)}


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.chance = self.random.random

    def one_of(self, values):
        return values[int(self.chance() * len(values))]

    def number(self, low, high):
        return low + int(self.chance() * (high - low + 1))

    # ---- what is not known --------------------------------------------------------------------------------------------

    def put(self, facts, name, value, left_out=0.10, null=0.05):
        """Puts the fact, or null, or leaves it out. Says whether it stands."""
        chance = self.chance()
        if chance < left_out:
            return False
        facts[name] = None if chance < left_out + null else value
        return facts[name] is not None

    # ---- days and instants --------------------------------------------------------------------------------------------

    def choose_range(self, roles):
        """The years that the calendars of these roles are sure for."""
        chance = self.chance()
        if chance < 0.02:
            return date(2029, 1, 1), date(2199, 6, 1) if "pihbo" not in roles else date(2099, 1, 1)
        if chance < 0.03 and not {"pihbo", "sec_registrant", "licensed_clinic_ca"} & set(roles):
            return date(1990, 1, 3), date(2023, 12, 31)
        return FIRST, LAST

    def day(self, low, high):
        if low == FIRST and self.chance() < 0.7:
            day = self.one_of(INTERESTING) - self.one_of(LEADS) * DAY
            if low <= day <= high:
                return day
        return low + self.number(0, (high - low).days) * DAY

    def time_of_day(self):
        if self.chance() < 0.25:
            return self.one_of([time(0, 0, 0), time(0, 0, 1), time(23, 59, 59), time(12, 0, 0), time(23, 30, 0)])
        return time(self.number(0, 23), self.number(0, 59), self.number(0, 59))

    def instant(self, zone_name, low, high):
        """Often near a change of the hour, or 24 or 72 hours before one."""
        changes = CHANGES[zone_name]
        if changes and low == FIRST and self.chance() < 0.3:
            moment = self.one_of(changes) - timedelta(hours=self.one_of([0, 0, 24, 72]))
            return moment + timedelta(seconds=self.one_of([-3600, -1, 0, 1, 3600, self.number(-7200, 7200)]))
        local = datetime.combine(self.day(low, high), self.time_of_day(), law.zone_named(zone_name))
        return local.replace(fold=self.number(0, 1)).astimezone(UTC)

    def written(self, moment, zone_name):
        """RFC 3339 with the zone's offset, with none, or with another."""
        chance = self.chance()
        if chance < 0.6:
            return moment.astimezone(law.zone_named(zone_name)).isoformat(timespec="seconds")
        if chance < 0.8:
            return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
        offset = timezone(timedelta(minutes=self.one_of([0, 60, 120, -300, -480, 330, 345, 540, 765, -210])))
        return moment.astimezone(offset).isoformat(timespec="seconds")

    # ---- the facts ----------------------------------------------------------------------------------------------------

    def roles(self):
        chance = self.chance()
        if chance < 0.3:
            return [self.one_of(ROLES)]
        if chance < 0.85:
            return self.random.sample(ROLES, self.number(2, 5))
        if chance < 0.97:
            return [role for role in ROLES if self.chance() < 0.5]
        return list(ROLES)

    def count(self):
        return self.one_of(COUNTS) if self.chance() < 0.85 else self.number(0, 5_000_000 if self.chance() < 0.2 else 1200)

    def jurisdiction(self):
        chance = self.chance()
        if chance < 0.30:
            return self.one_of(EUROPE)
        if chance < 0.58:
            return self.one_of(STATES) if self.chance() < 0.6 else "US-CA"
        if chance < 0.65:
            return "US"
        if chance < 0.67:
            return "EU"
        if chance < 0.86:
            return "JP"
        if chance < 0.90:
            return self.one_of(PREFECTURES)
        return "unknown" if chance < 0.95 else self.one_of(ELSEWHERE)

    def entry(self, jurisdiction):
        entry = {"jurisdiction": jurisdiction}
        self.put(entry, "subjects", self.count(), 0.07, 0.04)
        self.put(entry, "categories", [name for name in CATEGORIES if self.chance() < 0.2], 0.07, 0.03)
        return entry

    def affected(self):
        if self.chance() < 0.04:
            return []
        places = [self.jurisdiction() for _ in range(self.number(1, 6 if self.chance() < 0.4 else 2))]
        if self.chance() < 0.3:
            places.append(self.one_of(places))  # entries of one jurisdiction add up
        return [self.entry(place) for place in places]

    def delay(self, low, high, near):
        """By law enforcement, 164.412. It never ends before it was stated."""
        stated = min(max(near + self.number(-20, 70) * DAY, low), high)
        delay = {"kind": self.one_of(["written", "oral"])}
        self.put(delay, "stated_on", stated.isoformat(), 0.03, 0.02)
        until = stated + self.one_of([0, 1, 29, 30, 31, 60, self.number(0, 150)]) * DAY
        self.put(delay, "until", until.isoformat(), 0.25, 0.10)
        return delay

    def flags(self, facts):
        for name, share in (
            ("secured", 0.2),
            ("wrongful_purpose", 0.4),
            ("property_damage_risk", 0.3),
            ("low_probability_of_compromise", 0.25),
            ("good_faith_workforce_access", 0.05),
            ("inadvertent_internal_disclosure", 0.05),
            ("recipient_could_not_retain", 0.05),
            ("protected_otherwise", 0.06),
            ("pseudonymised_information", 0.06),
            ("significant_service_incident", 0.75),
            ("serious_trial_breach", 0.7),
            ("exploited_vulnerability", 0.4),
            ("severe_product_incident", 0.4),
            ("authority_asked", 0.5),
            ("material", 0.6),
            ("nih_data_involved", 0.7),
        ):
            self.put(facts, name, self.chance() < share)
        for name, share in (
            ("incident_ongoing", 0.4),
            ("eu_established", 0.4),
            ("high_risk_removed", 0.2),
            ("disproportionate_effort", 0.2),
        ):
            self.put(facts, name, self.chance() < share, 0.4)
        self.put(facts, "lead_authority", self.one_of(EUROPE), 0.75)
        self.put(facts, "risk", self.one_of(["unlikely", "risk", "high", "high"]))
        self.put(facts, "serious_device_incident", self.one_of(["none", "serious", "death", "public_health_threat"]))

    def dates(self, facts, zone, low, high):
        aware = self.instant(zone, low, high)
        self.put(facts, "aware_at", self.written(aware, zone), 0.08, 0.04)
        near = min(max(aware.date() + self.number(-5, 5) * DAY, low), high)
        found = near if self.chance() < 0.4 else self.day(low, high)
        self.put(facts, "discovered_on", found.isoformat(), 0.08, 0.04)
        # The day of the breach moves no clock. It is never after the breach was known, whichever zone its day is counted in.
        began = max(min(aware.date() - DAY, found) - self.number(0, 90) * DAY, date(1990, 1, 1))
        self.put(facts, "breached_on", began.isoformat(), 0.5, 0.05)
        self.put(facts, "authority_request_at", self.written(self.instant(zone, low, high), zone), 0.4)
        self.put(facts, "identified_at", self.written(self.instant(zone, low, high), zone), 0.4)
        self.put(facts, "urgent_safety_measures_on", self.day(low, high).isoformat(), 0.2)
        self.put(facts, "material_on", self.day(low, high).isoformat(), 0.3)
        self.put(facts, "handled_on", self.day(low, high).isoformat(), 0.3)
        self.put(facts, "corrective_measure_on", self.day(low, high).isoformat(), 0.3)
        self.put(facts, "law_enforcement_delay", self.delay(low, high, found), 0.45, 0.15)

    # ---- notices ------------------------------------------------------------------------------------------------------

    def ids_sent(self):
        chance = self.chance()
        if chance < 0.05:
            return IDS
        if chance < 0.25:
            return ["NIS2-72", "CRA-14-72"]
        sent = {self.one_of(IDS) for _ in range(self.number(0, 8))}
        return [id for id in IDS if id in sent]  # NIS2-72 before NIS2-fin and CRA-14-72 before CRA-14-inc, whose clocks they start

    def sent_after(self, start, zone, low, high):
        """Some time after the start, whichever zone its day is counted in; often on a day where a month's count breaks."""
        if start is None:
            return self.instant(zone, low, high)
        if not isinstance(start, datetime):
            start = datetime.combine(start + DAY, time(14), UTC)
        if self.chance() < 0.6:
            later = self.instant(zone, low, high)
            if later > start:
                return later
        return start + timedelta(seconds=self.number(1, 90 * 86400))

    def notifications(self, facts, zone, low, high):
        incident = law.Incident(facts, 0)
        notices, last = [], {}
        for id in self.ids_sent():
            start = last.get(STARTED_BY[id]) if id in STARTED_BY else OBLIGATION[id].start(incident)
            for _ in range(2 if self.chance() < 0.03 else 1):
                sent = self.sent_after(start, zone, low, high)
                last[id] = max(sent, last.get(id, sent))
                notices.append({"obligation": id, "submitted_at": self.written(sent, zone)})
        if len(notices) == 1 and self.chance() < 0.03:
            notices[0]["submitted_at"] = None
        return notices

    def incident(self):
        facts, roles = {}, self.roles()
        self.put(facts, "roles", roles, 0.003, 0.002)
        low, high = self.choose_range(roles)
        zone = self.one_of(ZONES)
        if not self.put(facts, "timezone", zone, 0.07, 0.03):
            zone = "UTC"
        self.dates(facts, zone, low, high)
        self.put(facts, "affected", self.affected(), 0.05, 0.03)
        self.flags(facts)
        self.put(facts, "notifications", self.notifications(facts, zone, low, high), 0.25, 0.05)
        return facts


def incidents(seed, count):
    maker = Maker(seed)
    for _ in range(count):
        yield maker.incident()
