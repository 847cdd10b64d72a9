"""Days, months and holidays, each from its act. No table here is taken from anywhere else in this repository."""

from datetime import date, datetime, timedelta
from math import cos, radians

DAY = timedelta(days=1)
MONDAY, THURSDAY, SATURDAY, SUNDAY = 0, 3, 5, 6


def nth(year, month, weekday, n):
    """The n-th such weekday of the month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def last(year, month, weekday):
    """The last such weekday of the month."""
    fifth = nth(year, month, weekday, 5)
    return fifth if fifth.month == month else fifth - 7 * DAY


def end_of_month(year, month):
    return (date(year + 1, 1, 1) if month == 12 else date(year, month + 1, 1)) - DAY


def plus_one_month(day):
    """The same day number in the next month, or that month's last day (Reg. 1182/71 Art. 3(2)(c))."""
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    return date(year, month, min(day.day, end_of_month(year, month).day))


def is_weekend(day):
    return day.weekday() >= SATURDAY


def after_weekend(day):
    """Reg. 1182/71 Art. 3(4), weekends only: the day itself, or the Monday after."""
    while is_weekend(day):
        day += DAY
    return day


# ---- Japan: Act on National Holidays (Act No. 178 of 1948) -----------------------------------------------------------

# Art. 2: the two equinox days, announced by the National Astronomical Observatory in the February of the year before. Announced or not,
# they are reckoned here from the sun: J. Meeus, Astronomical Algorithms, chapter 27 (mean equinoxes of the years 1000 to 3000 and the 24
# periodic terms, right within a minute), in Japan's time. The rest of the Act is applied as it has stood since 2022, so that answers about
# years before are not to be relied on.
EQUINOX_YEARS = range(1980, 2100)
PERIODIC = (
    (485, 324.96, 1934.136), (203, 337.23, 32964.467), (199, 342.08, 20.186), (182, 27.85, 445267.112),
    (156, 73.14, 45036.886), (136, 171.52, 22518.443), (77, 222.54, 65928.934), (74, 296.72, 3034.906),
    (70, 243.58, 9037.513), (58, 119.81, 33718.147), (52, 297.17, 150.678), (50, 21.02, 2281.226),
    (45, 247.54, 29929.562), (44, 325.15, 31555.956), (29, 60.93, 4443.417), (18, 155.12, 67555.328),
    (17, 288.79, 4562.452), (16, 198.04, 62894.029), (14, 199.76, 31436.921), (12, 95.39, 14577.848),
    (12, 287.11, 31931.756), (12, 320.81, 34777.259), (9, 227.73, 1222.114), (8, 15.45, 16859.074),
)
MARCH = (2451623.80984, 365242.37404, 0.05169, -0.00411, -0.00057)
SEPTEMBER = (2451810.21715, 365242.01767, -0.11575, 0.00337, 0.00078)
# Terrestrial time is ahead of universal time by 51 s in 1980 and 69 s in 2024; nobody knows what it will be later, and a minute matters in no
# year but 2074, whose March equinox falls about five minutes after midnight in Japan.
AHEAD_OF_UNIVERSAL_TIME = timedelta(seconds=75)


def equinox(year, mean):
    """The day in Japan."""
    millennia = (year - 2000) / 1000
    about = sum(factor * millennia**power for power, factor in enumerate(mean))
    centuries = (about - 2451545) / 36525
    anomaly = radians(35999.373 * centuries - 2.47)
    swing = 1 + 0.0334 * cos(anomaly) + 0.0007 * cos(2 * anomaly)
    terms = sum(size * cos(radians(phase + speed * centuries)) for size, phase, speed in PERIODIC)
    julian_day = about + 0.00001 * terms / swing
    terrestrial = datetime(2000, 1, 1, 12) + timedelta(days=julian_day - 2451545)
    return (terrestrial - AHEAD_OF_UNIVERSAL_TIME + timedelta(hours=9)).date()


def equinoxes(year):
    if year not in EQUINOX_YEARS:
        return ()
    return equinox(year, MARCH), equinox(year, SEPTEMBER)


def japanese_named_days(year):
    """Art. 2: the days that have a name."""
    return {
        date(year, 1, 1),
        nth(year, 1, MONDAY, 2),
        date(year, 2, 11),
        date(year, 2, 23),
        date(year, 4, 29),
        date(year, 5, 3),
        date(year, 5, 4),
        date(year, 5, 5),
        nth(year, 7, MONDAY, 3),
        date(year, 8, 11),
        nth(year, 9, MONDAY, 3),
        nth(year, 10, MONDAY, 2),
        date(year, 11, 3),
        date(year, 11, 23),
        *equinoxes(year),
    }


def japanese_holidays_of(year):
    named = japanese_named_days(year)
    days = set(named)
    for day in named:
        # Art. 3(2): where it falls on a Sunday, the nearest later day that has no name is a holiday.
        if day.weekday() == SUNDAY:
            substitute = day + DAY
            while substitute in named:
                substitute += DAY
            days.add(substitute)
        # Art. 3(3): a day without a name between two that have one is a holiday.
        if day + 2 * DAY in named:
            days.add(day + DAY)
    return days


# ---- United States: 5 U.S.C. 6103 ------------------------------------------------------------------------------------


def federal_days(year):
    """6103(a). The day of inauguration, 6103(c), concerns the District of Columbia and its surroundings and is left out;
    so are days off by a single executive order."""
    days = {
        date(year, 1, 1),
        nth(year, 1, MONDAY, 3),
        nth(year, 2, MONDAY, 3),
        last(year, 5, MONDAY),
        date(year, 7, 4),
        nth(year, 9, MONDAY, 1),
        nth(year, 10, MONDAY, 2),
        date(year, 11, 11),
        nth(year, 11, THURSDAY, 4),
        date(year, 12, 25),
    }
    if year >= 2021:  # Public Law 117-17
        days.add(date(year, 6, 19))
    return days


def federal_observance(day):
    """6103(b)(1): a Saturday is kept on the Friday before. Executive Order 11582 section 3: a Sunday on the Monday after."""
    return day + {SATURDAY: -DAY, SUNDAY: DAY}.get(day.weekday(), timedelta(0))


def federal_holidays_of(year):
    # 1 January of the next year is kept on 31 December of this one where it is a Saturday.
    kept = {federal_observance(day) for y in (year, year + 1) for day in federal_days(y)}
    return {day for day in kept if day.year == year}


# ---- California: Gov. Code 6700, 6701, 19853 -------------------------------------------------------------------------


def california_holidays_of(year):
    """UNCERTAIN: Health & Safety Code 1280.15 counts "business days" and neither it nor 22 CCR 79901 is known to define them.
    Read here: the days on which the offices of the State, and so the Department that receives the report, are closed (Gov. Code
    19853(a)). Gov. Code 6700(a) names further holidays on which they are open: Lincoln Day (12 February), Admission Day
    (9 September), Native American Day, Columbus Day, Juneteenth, Lunar New Year, 24 April, and more by later acts. Civil Code 9
    might make those no business days either; the reading with fewer holidays is the earlier deadline, and it is the one taken.
    UNCERTAIN too: 31 March, which 6701 lets the Legislature keep on another day. A Saturday is not moved, 11 November apart."""
    thanksgiving = nth(year, 11, THURSDAY, 4)
    days = {
        date(year, 1, 1),
        nth(year, 1, MONDAY, 3),
        nth(year, 2, MONDAY, 3),
        date(year, 3, 31),
        last(year, 5, MONDAY),
        date(year, 7, 4),
        nth(year, 9, MONDAY, 1),
        date(year, 11, 11),
        thanksgiving,
        thanksgiving + DAY,
        date(year, 12, 25),
    }
    # Gov. Code 6701 and 19853(b): a Sunday moves to the Monday after.
    days |= {day + DAY for day in days if day.weekday() == SUNDAY}
    # The same: where 11 November is a Saturday, the Friday before.
    veterans = date(year, 11, 11)
    if veterans.weekday() == SATURDAY:
        days.add(veterans - DAY)
    return days


# ---- Counting over a calendar ----------------------------------------------------------------------------------------


def yearly(holidays_of):
    """A test whether a day is a holiday; each year's set is built once."""
    years = {}

    def is_holiday(day):
        days = years.get(day.year)
        if days is None:
            days = years[day.year] = holidays_of(day.year)
        return day in days

    return is_holiday


is_japanese_holiday = yearly(japanese_holidays_of)
is_federal_holiday = yearly(federal_holidays_of)
is_california_holiday = yearly(california_holidays_of)


def is_japanese_year_end(day):
    """29 December to 3 January (Act No. 91 of 1988 Art. 1(1)(iii), holidays of administrative organs)."""
    return (day.month == 12 and day.day >= 29) or (day.month == 1 and day.day <= 3)


def after_japanese_holidays(day):
    """The day itself, or the next one on which the Commission's offices are open."""
    while is_weekend(day) or is_japanese_year_end(day) or is_japanese_holiday(day):
        day += DAY
    return day


def plus_business_days(day, count, is_holiday):
    """The day of the event is excluded."""
    while count:
        day += DAY
        if not (is_weekend(day) or is_holiday(day)):
            count -= 1
    return day
