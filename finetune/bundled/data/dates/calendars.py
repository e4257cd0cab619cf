"""Dates with datetime: weekdays, leap years, months, spans, ages, calendars, times of day."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from finetune.bundled.data.intents import Intent, Slots, skill
from finetune.bundled.data.tasks import Skill
from finetune.bundled.data.vocabulary import MONTHS


def written(r: Random, when: date) -> str:
    """A date in a random format that is unambiguous everywhere."""
    month = MONTHS[when.month - 1]
    day = f"{when.day}{'th' if when.day in (11, 12, 13) else {1: 'st', 2: 'nd', 3: 'rd'}.get(when.day % 10, 'th')}"
    return r.choice(
        [when.isoformat(), when.isoformat(), f"{month} {when.day}, {when.year}", f"{when.day} {month} {when.year}", f"{month} {day}, {when.year}",
         f"the {day} of {month} {when.year}", f"{month} {when.day} {when.year}", f"{month[:3]} {when.day}, {when.year}"]
    )  # fmt: skip


def code(when: date) -> str:
    return f"date({when.year}, {when.month}, {when.day})"


def days(r: Random) -> Slots:
    a = date(1900, 1, 1) + timedelta(days=r.randint(0, 50000))
    if r.random() < 0.6:
        a = date(1985, 1, 1) + timedelta(days=r.randint(0, 18000))
    b = a + timedelta(days=r.choice([r.randint(3, 90), r.randint(3, 900)]))
    year = r.choice([a.year, r.randint(1800, 2100), r.choice([1900, 2000, 2100, 2024, 2028, 1600])])
    born = date(r.randint(1940, 2010), r.randint(1, 12), r.randint(1, 28))
    on = date(born.year + r.randint(12, 80), r.randint(1, 12), r.randint(1, 28))
    h, m, add = (
        r.randint(0, 23),
        r.choice([0, 15, 30, 45, r.randint(1, 59)]),
        r.choice([20, 30, 45, 50, 75, 90, 100, 135]),
    )
    h2, m2 = min(h + r.randint(1, 8), 23), r.randint(0, 59)
    return {"a": written(r, a), "b": written(r, b), "ca": code(a), "cb": code(b), "ia": a.isoformat(), "year": year, "mn": MONTHS[a.month - 1], "mi": a.month, "k": r.choice([r.randint(3, 400), 7, 10, 30, 90, 100]),
            "zy": f"{a.year}年{a.month}月{a.day}日", "born": written(r, born), "cborn": code(born), "on": written(r, on), "con": code(on), "y2": a.year,
            "h": f"{h}:{m:02d}", "ch": f"datetime(2000, 1, 1, {h}, {m})", "add": add, "h2": f"{h2}:{m2:02d}", "ch2": f"datetime(2000, 1, 1, {h2}, {m2})", "w": r.randint(2, 12)}  # fmt: skip


D = "from datetime import date\n"
DT = "from datetime import date, timedelta\n"
TIMES = "from datetime import datetime, timedelta\n"
DAYS = [
    Intent(days, """
        {What|Which} {day of the week|weekday|day} {is|was} {a}?
        {What|Which} {day of the week|weekday|day} {was|is} it on {a}?
        On {what|which} {day of the week|weekday|day} {did|does|was|is} {a}{ fall|}?
        {What|Which} day of the week {does|did} {a} fall on?
        {Tell me|Find|Give me} the {weekday|day of the week} of {a}
        {weekday|day of the week} {of|for|on} {a}
        {Was|Is} {a} a {Sunday|Monday|weekday|Friday}, or what day{ was it| is it|}?
        I was born on {a}. {What|Which} {day of the week|weekday|day} was that?
        {a}: {which|what} weekday?
    """, D + 'print({ca}.strftime("%A"))', "{a} is a [[]].", "{zy}是{星期几|周几|礼拜几}？\n{ia} 是星期几？", "那天是 [[]]。", 3, plain=True),
    Intent(days, """
        {Is|Was|is|was|Will} {the year |}{year}{ be|} a leap year?
        {Is|is} {year} a leap year{ or not|}?
        {Check|check|Tell me} {if|whether} {year} {is|was} a leap year
        {leap year|Leap year}: {year}?
        Does {year} have 366 days?
    """, "import calendar\nprint(calendar.isleap({year}))", "True, {year} is a leap year.||False, {year} is not a leap year.", "{year}{ |}年是{不是|}闰年吗？\n{year} 是闰年吗？", "True，{year} 年是闰年。||False，{year} 年不是闰年。", 1.5, plain=True),
    Intent(days, """
        How many days {does|has|did} {mn} {year}{ have|}?
        How many days {are|are there|were} in {mn} {year}?
        {number|Number} of days in {mn} {year}
        {How long is|What is the number of days of} {mn} {year}?
        {mn} {year} has how many days?
    """, "import calendar\nprint(calendar.monthrange({year}, {mi})[1])", "{mn} {year} has [[]] days.", "{year}年{mi}月有{多少|几}天？", "有 [[]] 天。", 1.5, plain=True),
    Intent(days, "How many days {does|has} {the year |}{year}{ have|}?\nHow many days are {there |}in {the year |}{year}?", "import calendar\nprint(366 if calendar.isleap({year}) else 365)", "{year} has [[]] days.", weight=0.4, plain=True),
    Intent(days, "{Show|Print|Give me|Draw} {a|the} calendar {of|for} {mn} {year}\n{calendar|Calendar} {of|for} {mn} {year}", "import calendar\nprint(calendar.month({year}, {mi}))", "{mn} {year}:\n[[]]", "打印{year}年{mi}月的日历", "日历：\n[[]]", 0.8, plain=True),
    Intent(days, """
        How many days {are there |are |lie |}{from|between} {a} {to|and} {b}?
        {Count|Compute} the days {from|between} {a} {to|and} {b}
        days {from|between} {a} {to|and} {b}
        How many days after {a} is {b}?
    """, D + "print(({cb} - {ca}).days)", "There are [[]] days.", "从 {ia} 到 {b} 有多少天？", "有 [[]] 天。", 0.8, ("days_between",), plain=True),
    Intent(days, """
        {What|Which} date is {k} days {after|from} {a}?
        {What is|Give me} the date {k} days after {a}{?|}
        {a} plus {k} days
    """, DT + "print({ca} + timedelta(days={k}))", "It is [[]].", "{ia} 之后 {k} 天是哪一天？", "是 [[]]。", 0.7, ("add_to_date",), plain=True),
    Intent(days, "{What|Which} date {is|was} {k} days before {a}?\n{a} minus {k} days", DT + "print({ca} - timedelta(days={k}))", "It is [[]].", weight=0.6, unless=("add_to_date",), plain=True),
    Intent(days, "{What|Which} {weekday|day of the week} is {k} days after {a}?\n{k} days after {a}{:|,} {what|which} weekday{ is that|}?", DT + 'print(({ca} + timedelta(days={k})).strftime("%A"))', "It is a [[]].", weight=0.7, plain=True),
    Intent(days, "{Which|What} {day of the year|number of day in the year} is {a}?\nday of the year of {a}", D + "print({ca}.timetuple().tm_yday)", "It is day [[]] of the year.", "{zy}是一年中的第几天？", "是第 [[]] 天。", 0.7, plain=True),
    Intent(days, "{Which|What} {calendar week|week number|week of the year} is {a}{ in|}?\n{week number|calendar week} of {a}", D + "print({ca}.isocalendar().week)", "It is week [[]].", weight=0.6, plain=True),
    Intent(days, """
        How old {is|was} {someone|a person|somebody|a child} born on {born} on {on}?
        {I was|She was|He was} born on {born}. How old {will I be|was I|is that} on {on}?
        {What is the|Compute the} age on {on} of {someone|a person} born {on |}{born}
    """, D + "a, b = {cborn}, {con}\nprint(b.year - a.year - ((b.month, b.day) < (a.month, a.day)))", "The age is [[]].", weight=0.8, plain=True),
    Intent(days, """
        {What time is it|Which time is it} {add} minutes after {h}?
        {It is|It's} {h}. {What time is it|What time will it be} in {add} minutes?
        {h} plus {add} minutes
        {A film|A meeting|The lesson} starts at {h} and {lasts|takes} {add} minutes. When does it end?
    """, TIMES + 'print(({ch} + timedelta(minutes={add})).strftime("%H:%M"))', "It is [[]].", "{h} 之后 {add} 分钟是几点？", "是 [[]]。", 0.8, plain=True),
    Intent(days, "How long is it from {h} to {h2}?\nHow {many hours and minutes|much time} {are|is} {between|from} {h} {and|to} {h2}?\n{I work|The shop is open|The train goes} from {h} to {h2}. How long is that?", TIMES + "print({ch2} - {ch})", "It is [[]] (h:mm:ss).", weight=0.7, plain=True),
    Intent(days, "How many Fridays the 13th {are there |were there |}in {year}?\n{Count|count} the Fridays the 13th {in|of} {year}", D + "print(sum(date({year}, m, 13).weekday() == 4 for m in range(1, 13)))", "There are [[]].", weight=0.3, plain=True),
]  # fmt: skip
SKILLS: dict[Skill, float] = {skill(DAYS): 4}
