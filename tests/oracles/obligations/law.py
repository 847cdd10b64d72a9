"""The obligations, each from its own text. What facts and answers mean is fixed in docs/reference/obligations.md.

True, False and None stand for yes, no and unknown. Instants are `datetime` in UTC, days are `date`."""

from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from calendars import (
    after_japanese_holidays,
    after_weekend,
    is_california_holiday,
    is_federal_holiday,
    plus_business_days,
    plus_one_month,
)

UTC = timezone.utc

# ---- Three-valued logic (Kleene) -------------------------------------------------------------------------------------


def both(*values):
    if False in values:
        return False
    return None if None in values else True


def either(*values):
    if True in values:
        return True
    return None if None in values else False


def no(value):
    return None if value is None else not value


# ---- Facts -----------------------------------------------------------------------------------------------------------

ZONES = {}


def zone_named(name):
    zone = ZONES.get(name)
    if zone is None:
        zone = ZONES[name] = ZoneInfo(name)
    return zone


def instant(text):
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


def day(text):
    return None if text is None else date.fromisoformat(text)


class Total:
    """How many people: those counted, and whether there may be more that nobody has counted."""

    __slots__ = ("known", "open")

    def __init__(self, known=0, open=False):
        self.known = known
        self.open = open

    def add(self, subjects):
        if subjects is None:
            self.open = True
        else:
            self.known += subjects

    def more_than(self, bound, *others):
        """`others`: people who may belong to these, for all that is known of where they live."""
        if self.known > bound:
            return True
        possible = self.known + sum(other.known for other in others)
        if self.open or any(other.open for other in others) or possible > bound:
            return None
        return False


# Territories that have a country code of their own and are part of a State all the same: Guadeloupe, French Guiana, Martinique, Réunion,
# Mayotte and Saint-Martin (TFEU Art. 349, 355(1)), Åland (355(4)); of the United States American Samoa, Guam, the Northern Marianas, Puerto
# Rico, the Minor Outlying Islands and the Virgin Islands.
PART_OF = {code: "EU-FR" for code in "GP GF MQ RE YT MF".split()}
PART_OF["AX"] = "EU-FI"
PART_OF.update({code: "US-" + code for code in "AS GU MP PR UM VI".split()})


class Incident:
    def __init__(self, facts, number):
        self.number = number
        self.fact = facts.get
        self.roles = facts.get("roles")
        self.zone = zone_named(facts.get("timezone") or "UTC")
        self.aware_at = instant(facts.get("aware_at"))
        self.delay = facts.get("law_enforcement_delay")
        self.sent = self._sent(facts.get("notifications") or ())
        self._count(facts.get("affected"))

    @staticmethod
    def _sent(notifications):
        """The times at which each obligation's notice was sent."""
        sent = {}
        for notice in notifications:
            sent.setdefault(notice["obligation"], []).append(notice.get("submitted_at"))
        return sent

    def _count(self, affected):
        """Totals by regime, by EU country and by State. People in `US` are in a State that is not known, those in `unknown` may live
        anywhere."""
        unknown = affected is None
        self.affected = [{**entry, "jurisdiction": PART_OF.get(entry["jurisdiction"], entry["jurisdiction"])} for entry in affected or ()]
        self.everybody, self.nowhere = Total(open=unknown), Total()
        self.eu, self.us, self.jp = Total(open=unknown), Total(open=unknown), Total(open=unknown)
        self.us_somewhere = Total(open=unknown)
        self.countries, self.states = {}, {}
        for entry in self.affected:
            where, subjects = entry["jurisdiction"], entry.get("subjects")
            self.everybody.add(subjects)
            if where == "unknown":
                self.nowhere.add(subjects)
            elif where == "EU":
                self.eu.add(subjects)
            elif where.startswith("EU-"):
                self.eu.add(subjects)
                self.countries.setdefault(where, Total()).add(subjects)
            elif is_japan(where):
                self.jp.add(subjects)
            elif where == "US":
                self.us.add(subjects)
                self.us_somewhere.add(subjects)
            elif where.startswith("US-"):
                self.us.add(subjects)
                self.states.setdefault(where, Total()).add(subjects)

    def day_of(self, moment):
        """The day of an instant where the organisation is."""
        return moment.astimezone(self.zone).date()


def is_japan(where):
    """The country, or a prefecture (ISO 3166-2:JP)."""
    return where == "JP" or where.startswith("JP-")


# ---- Starts ----------------------------------------------------------------------------------------------------------


def aware(incident):
    return incident.aware_at


def discovered(incident):
    return day(incident.fact("discovered_on"))


def discovered_at_the_latest(incident):
    """164.404(a)(2): discovered is what is known, or would be; whoever is aware knows. The day it was discovered is no later."""
    found = discovered(incident)
    if found is None and incident.aware_at is not None:
        return incident.day_of(incident.aware_at)
    return found


def day_known(incident):
    """APPI: the day on which any department of the operator came to know."""
    if incident.aware_at is not None:
        return incident.day_of(incident.aware_at)
    return discovered(incident)


def authority_asked(incident):
    return instant(incident.fact("authority_request_at"))


def first_notice(id):
    def start(incident):
        times = [instant(text) for text in incident.sent.get(id, ()) if text is not None]
        return min(times, default=None)

    return start


first_72_hour_notice = first_notice("NIS2-72")


def nis2_final_start(incident):
    """Art. 23(4)(e): of an ongoing incident the final report is counted from its handling."""
    if incident.fact("incident_ongoing") is True:
        return day(incident.fact("handled_on"))
    return first_72_hour_notice(incident)


def remedy_available(incident):
    return day(incident.fact("corrective_measure_on"))


def measures_taken(incident):
    return day(incident.fact("urgent_safety_measures_on"))


def found_material(incident):
    return day(incident.fact("material_on"))


def identified(incident):
    return instant(incident.fact("identified_at")) or incident.aware_at


# ---- Periods: from the start to (due, due by the rule for weekends and holidays) ----------------------------------------


def hours(count):
    """Added in UTC."""
    period = timedelta(hours=count)
    return lambda incident, start: (start + period, None)


def first_day(incident, start):
    return incident.day_of(start) if isinstance(start, datetime) else start


def days(count):
    """The day of the event is excluded; nothing is skipped."""
    period = timedelta(days=count)
    return lambda incident, start: (first_day(incident, start) + period, None)


def eu_days(count):
    """Reg. (EEC, Euratom) 1182/71 Art. 3(1): the day of the event is excluded; Art. 3(4): weekends beside it."""
    period = timedelta(days=count)

    def due(incident, start):
        plain = first_day(incident, start) + period
        return plain, after_weekend(plain)

    return due


def eu_month(incident, start):
    """Reg. 1182/71 Art. 3(2)(c) and 3(4)."""
    plain = plus_one_month(first_day(incident, start))
    return plain, after_weekend(plain)


def after_the_year(incident, start):
    """164.408(c): not later than 60 days after the end of the calendar year in which the breach was discovered."""
    return date(start.year, 12, 31) + timedelta(days=60), None


def appi_final(incident, start):
    """Enforcement Rules Art. 8(2): 30 days, 60 in the cases of Art. 7(iii). The day known is day one (guideline)."""
    count = 60 if incident.fact("wrongful_purpose") is True else 30
    plain = start + timedelta(days=count - 1)
    return plain, after_japanese_holidays(plain)


def mdr_days(incident, start):
    """Reg. (EU) 2017/745 Art. 87(3) 15 days, 87(4) two days, 87(5) ten days. Not known which: the earliest."""
    count = {"serious": 15, "death": 10}.get(incident.fact("serious_device_incident"), 2)
    return eu_days(count)(incident, start)


def business_days(count, is_holiday):
    return lambda incident, start: (plus_business_days(first_day(incident, start), count, is_holiday), None)


# ---- Triggers --------------------------------------------------------------------------------------------------------


def eu_affected(incident):
    """Art. 3(2): people in the Union. Art. 3(1): people anywhere, where the processing belongs to an establishment in the Union; not taken
    to be so as long as nobody says it."""
    established = incident.fact("eu_established") is True
    return either(incident.eu.more_than(0, incident.nowhere), established and incident.everybody.more_than(0))


def gdpr_33_1(incident):
    """Art. 33(1): unless unlikely to result in a risk. Encryption alone does not exempt."""
    risk = incident.fact("risk")
    return both(eu_affected(incident), None if risk is None else risk != "unlikely")


def gdpr_34_1(incident):
    """Art. 34(1): high risk; 34(3)(a): not where the data are unintelligible, (b): nor where measures removed the high risk; (c): a
    public communication is a notice as well."""
    risk = incident.fact("risk")
    return both(
        eu_affected(incident),
        None if risk is None else risk == "high",
        no(incident.fact("secured")),
        incident.fact("high_risk_removed") is not True,
    )


def in_us(incident, bound):
    return incident.us.more_than(bound, incident.nowhere)


def unsecured_in_us(incident):
    """16 CFR 318.2, 318.3: unsecured PHR identifiable health information of persons in the United States."""
    return both(in_us(incident, 0), no(incident.fact("secured")))


def hipaa_breach(incident):
    """164.402(2): a breach is presumed unless a low probability of compromise is demonstrated; "unsecured" PHI; and 164.402(1):
    "breach excludes" three cases. The burden of showing either lies on who says so (164.414(b)): not shown is not so."""
    return both(unsecured_in_us(incident), not any(incident.fact(shown) is True for shown in BREACH_EXCLUDES))


# 164.402(2), then (1)(i), (ii) and (iii).
BREACH_EXCLUDES = (
    "low_probability_of_compromise",
    "good_faith_workforce_access",
    "inadvertent_internal_disclosure",
    "recipient_could_not_retain",
)


def state_more_than(incident, state, bound):
    """People whose State is not known may be residents of this one."""
    return state.more_than(bound, incident.us_somewhere, incident.nowhere)


def some_state_more_than(incident, bound):
    states = list(incident.states.values()) or [Total()]
    return either(*[state_more_than(incident, state, bound) for state in states])


def hipaa_media(incident):
    """164.406(a): more than 500 residents of one State or jurisdiction."""
    return both(hipaa_breach(incident), some_state_more_than(incident, 500))


def hipaa_secretary_now(incident):
    """164.408(b): 500 or more individuals."""
    return both(hipaa_breach(incident), in_us(incident, 499))


def hipaa_secretary_yearly(incident):
    """164.408(c): fewer than 500 individuals."""
    return both(hipaa_breach(incident), no(in_us(incident, 499)))


def ftc_media(incident):
    """16 CFR 318.5(b): 500 or more residents of one State or jurisdiction; HIPAA's threshold is one higher."""
    return both(unsecured_in_us(incident), some_state_more_than(incident, 499))


def ftc_now(incident):
    """16 CFR 318.5(c): 500 or more individuals."""
    return both(unsecured_in_us(incident), in_us(incident, 499))


def ftc_yearly(incident):
    """16 CFR 318.5(c): fewer than 500 individuals, for the year."""
    return both(unsecured_in_us(incident), no(in_us(incident, 499)))


# APPI Art. 2(3) and the Order: medical history, results of examinations, and their like; criminal history.
SPECIAL_CARE = {"health", "genetic", "special_care", "criminal"}


def special_care_in_japan(incident):
    """Rules Art. 7(i)."""
    if incident.fact("affected") is None:
        return None
    there = [special_care_entry(entry) for entry in incident.affected if is_japan(entry["jurisdiction"])]
    perhaps = [special_care_entry(entry) for entry in incident.affected if entry["jurisdiction"] == "unknown"]
    return either(*there, *[both(entry, None) for entry in perhaps])


def special_care_entry(entry):
    subjects, categories = entry.get("subjects"), entry.get("categories")
    return both(
        None if subjects is None else subjects > 0,
        None if categories is None else not SPECIAL_CARE.isdisjoint(categories),
    )


def appi(incident):
    """Rules Art. 7: (i) to (iv); not where highly encrypted or where other necessary measures were taken (Art. 7(i), parenthesis). Art.
    41(9) of the Act: Art. 26 does not apply to pseudonymised information. What is left out is for the operator to show."""
    exempt = incident.fact("protected_otherwise") is True or incident.fact("pseudonymised_information") is True
    triggers = either(
        special_care_in_japan(incident),
        incident.fact("property_damage_risk"),
        incident.fact("wrongful_purpose"),
        incident.jp.more_than(1000, incident.nowhere),
    )
    return both(incident.jp.more_than(0, incident.nowhere), triggers, no(incident.fact("secured")), not exempt)


def nis2(incident):
    """Art. 23(3)."""
    return incident.fact("significant_service_incident")


def nis2_asked(incident):
    """Art. 23(4)(c): upon the request of an authority; as long as nobody knows of one, one waits."""
    return both(nis2(incident), either(bool(incident.fact("authority_request_at")), incident.fact("authority_asked")))


def nis2_ongoing(incident):
    """Art. 23(4)(e): an incident that goes on when the final report falls due; who has not said so follows (d)."""
    return both(nis2(incident), incident.fact("incident_ongoing") is True)


def trial_breach(incident):
    return incident.fact("serious_trial_breach")


def measures_known(incident):
    return measures_taken(incident) is not None


def product(incident):
    """Reg. (EU) 2024/2847 Art. 14(1) and (3)."""
    return either(incident.fact("exploited_vulnerability"), incident.fact("severe_product_incident"))


def product_vulnerability(incident):
    """Art. 14(2)(c)."""
    return incident.fact("exploited_vulnerability")


def product_incident(incident):
    """Art. 14(4)(c)."""
    return incident.fact("severe_product_incident")


def material(incident):
    """Form 8-K Item 1.05: an incident that is determined to be material; the day of the determination starts the clock."""
    return either(bool(incident.fact("material_on")), incident.fact("material"))


def nih_data(incident):
    """Data Use Certification: controlled-access data."""
    return incident.fact("nih_data_involved")


def device(incident):
    kind = incident.fact("serious_device_incident")
    return None if kind is None else kind != "none"


def californians(incident):
    """Health & Safety Code 1280.15(b)."""
    return state_more_than(incident, incident.states.get("US-CA") or Total(), 0)


# ---- Recipients ------------------------------------------------------------------------------------------------------


def countries_affected(incident):
    """Art. 56(1): the authority of the main establishment leads, where it is known; otherwise Art. 55 for each country."""
    lead = incident.fact("lead_authority")
    if lead is not None:
        return [lead]
    return sorted(where for where, total in incident.countries.items() if total.known > 0)


def states_over(bound):
    return lambda incident: sorted(where for where, total in incident.states.items() if total.known > bound)


# ---- The obligations, in the order of the page -------------------------------------------------------------------------


class Obligation:
    def __init__(self, id, roles, trigger, start, period=None, recipients=None, known_start=None, asked=None):
        self.id = id
        self.roles = frozenset(roles.split())
        self.trigger = trigger
        self.start = start
        self.period = period
        self.recipients = recipients
        # What the start has to be known by, where `start` may be a bound only; what it is asked of, where somebody has to ask first.
        self.known_start = known_start or start
        self.asked = asked
        # 164.412 delays the notices of this subpart, and no other law's.
        self.can_be_delayed = id.startswith("HIPAA-")


NIS2_ENTITIES = "essential_entity important_entity"


def discovery(id, roles, trigger, period, recipients=None):
    """One that runs from discovery."""
    return Obligation(id, roles, trigger, discovered_at_the_latest, period, recipients, known_start=discovered)


OBLIGATIONS = [
    Obligation("GDPR-33-1", "controller", gdpr_33_1, aware, hours(72), countries_affected),
    Obligation("GDPR-33-2", "processor", eu_affected, aware),
    Obligation("GDPR-34-1", "controller", gdpr_34_1, aware),
    discovery("HIPAA-404", "covered_entity", hipaa_breach, days(60)),
    discovery("HIPAA-406", "covered_entity", hipaa_media, days(60), states_over(500)),
    discovery("HIPAA-408b", "covered_entity", hipaa_secretary_now, days(60)),
    discovery("HIPAA-408c", "covered_entity", hipaa_secretary_yearly, after_the_year),
    discovery("HIPAA-410", "business_associate", hipaa_breach, days(60)),
    discovery("FTC-HBNR", "phr_vendor", unsecured_in_us, days(60)),
    discovery("FTC-HBNR-now", "phr_vendor", ftc_now, days(60)),
    discovery("FTC-HBNR-year", "phr_vendor", ftc_yearly, after_the_year),
    discovery("FTC-HBNR-media", "phr_vendor", ftc_media, days(60), states_over(499)),
    Obligation("APPI-26-pre", "pihbo", appi, day_known),
    Obligation("APPI-26-fin", "pihbo", appi, day_known, appi_final),
    Obligation("APPI-26-subj", "pihbo", appi, day_known),
    Obligation("APPI-26-entr", "processor", appi, day_known),
    Obligation("NIS2-24", NIS2_ENTITIES, nis2, aware, hours(24)),
    Obligation("NIS2-72", NIS2_ENTITIES, nis2, aware, hours(72)),
    Obligation("NIS2-int", NIS2_ENTITIES, nis2_asked, authority_asked, asked=nis2),
    Obligation("NIS2-prog", NIS2_ENTITIES, nis2_ongoing, first_72_hour_notice, eu_month),
    Obligation("NIS2-fin", NIS2_ENTITIES, nis2, nis2_final_start, eu_month),
    Obligation("NIS2-recip", NIS2_ENTITIES, nis2, aware),
    Obligation("CTR-52", "sponsor", trial_breach, aware, eu_days(7)),
    Obligation("CTR-54", "sponsor", measures_known, measures_taken, eu_days(7)),
    Obligation("CRA-14", "product_manufacturer", product, aware, hours(24)),
    Obligation("CRA-14-72", "product_manufacturer", product, aware, hours(72)),
    Obligation("CRA-14-vul", "product_manufacturer", product_vulnerability, remedy_available, eu_days(14)),
    Obligation("CRA-14-inc", "product_manufacturer", product_incident, first_notice("CRA-14-72"), eu_month),
    Obligation("SEC-8K", "sec_registrant", material, found_material, business_days(4, is_federal_holiday)),
    Obligation("NIH-GDS", "nih_approved_user", nih_data, identified, hours(24)),
    Obligation("MDR-87", "device_manufacturer", device, aware, mdr_days),
    Obligation("US-state", "licensed_clinic_ca", californians, aware, business_days(15, is_california_holiday)),
]


# ---- Answers ---------------------------------------------------------------------------------------------------------


def end_of_delay(delay):
    """164.412(a): the time that a written statement names; (b): no longer than 30 days from an oral one. None: not known."""
    until, stated = day(delay.get("until")), day(delay.get("stated_on"))
    if delay.get("kind") == "written":
        return until
    if delay.get("kind") != "oral" or stated is None:
        return None
    limit = stated + timedelta(days=30)
    return limit if until is None else min(until, limit)


def status_of(obligation, incident, triggered, start, end, at):
    """In the page's order. `end` is of the delay that concerns this obligation, if one does."""
    delayed = obligation.can_be_delayed and incident.delay is not None
    is_known = start is not None and obligation.known_start(incident) is not None
    if incident.roles is None or triggered is None or (obligation.period and not is_known) or (delayed and end is None):
        return "waiting"
    if obligation.id in incident.sent:
        return "met"
    if delayed and not (at is not None and incident.day_of(at) > end):
        return "tolled"
    return "due" if obligation.period else "promptly"


def shown(moment, zone):
    return moment.astimezone(zone).isoformat(timespec="seconds")


def put_clock(line, incident, start, due, legal):
    if isinstance(start, datetime):
        line["start_at"] = shown(start, incident.zone)
    elif start is not None:
        line["start_on"] = start.isoformat()
    if isinstance(due, datetime):
        line["due_at"] = shown(due, incident.zone)
    elif due is not None:
        line["due_on"] = due.isoformat()
        if legal is not None and legal != due:
            line["legal_due_on"] = legal.isoformat()


def answer(obligation, incident, at=None):
    line = {"obligation": obligation.id, "status": "not_triggered", "incident": incident.number}
    triggered = obligation.trigger(incident)
    if triggered is False:
        return line if incident.roles is not None else None
    start, due, legal, end = obligation.start(incident), None, None, None
    if obligation.period and start is not None:
        due, legal = obligation.period(incident, start)
    if obligation.can_be_delayed and incident.delay is not None:
        end = end_of_delay(incident.delay)
        if end is not None and due is not None:
            due = max(due, end)
    line["status"] = status_of(obligation, incident, triggered, start, end, at)
    if triggered is None and obligation.asked and obligation.asked(incident) is True and incident.roles is not None:
        line["on_request"] = True
    put_clock(line, incident, start, due, legal)
    if obligation.recipients and (recipients := obligation.recipients(incident)):
        line["recipients_for"] = recipients
    return line


def answers(facts, number, at=None):
    """One line an obligation of which a role is among the incident's; where nobody knows the roles, each that may be owed waits for them."""
    incident = Incident(facts, number)
    roles = incident.roles
    mine = [one for one in OBLIGATIONS if roles is None or not one.roles.isdisjoint(roles)]
    lines = [answer(obligation, incident, at) for obligation in mine]
    return [line for line in lines if line is not None]
