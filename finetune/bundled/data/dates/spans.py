"""Tasks on the days between dates, which are said in many ways."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from random import Random

from finetune.bundled.data.dates.datewords import (
    FEASTS,
    FEASTS_ZH,
    NAMED,
    past,
    upcoming,
    without_year,
    written,
    written_zh,
)
from finetune.bundled.data.tasks import DatedSkill, Task, arguments, phrase
from finetune.bundled.data.vocabulary import MONTHS

OCCASIONS = ["My birthday", "The exam", "Our wedding", "My flight", "The concert", "The deadline", "My holiday", "The race", "The move",
             "The final", "Our trip", "The release", "Her party"]  # fmt: skip


def counted(observed: str) -> str:
    return observed.rsplit(": ", 1)[-1].removesuffix(" days.").strip()


def counting(template: str) -> Callable[[str], str]:
    return lambda seen: template.replace("#", counted(seen))


def capital(text: str) -> str:
    return text[0].upper() + text[1:]


UNTIL = (
    "{{How many days|how many days} {until|till|to|are left until|are there until|before|from today to|from now to|remain until|is it to|are there to|"
    "left until|are there from today until|lie between today and|do I have to wait for} {d}{?|}|How {long|far} {is it |}{until|till} {d}{?|}|"
    "{Days|Number of days|Count days|Countdown in days} {until|left until|to|till|left to} {d}|{Count|Tell me|Find|Give me} the {number of |}days {until|till|to|left until} {d}{.|}|"
    "{When {d} comes|Until {d}}, how many days {is that|will it be|are left}?|In how many days is {d}?|{d} is in how many days{?|}|"
    "How many days away is {d}{?|}|{Today to|From today until} {d}: how many days?|how many more days until {d}?}"
)
ABOUT = (
    "{{o} is on {d}. How many days {do I have left|are left|is that|are there until then|do we still have}?|How many days until {o2} on {d}{?|}|"
    "{o} is on {d}. {How long is that|How many days to go|How many days till then}{?|}|How many days {are left |}before {o2}, which is on {d}?|"
    "{o}: {d}. Days left{?|}}"
)
SINCE = (
    "{{How many days {have passed|have gone by|has it been|are there|went by} since|How long is it since|How many days is it since|How many days ago was|"
    "Days since|Count the days since|How many days lie between today and|How long ago was} {d}{?|}|"
    "{I was born|We met|I moved here|She left|It began|I started} on {d}. How many days ago {was that|is that}?|"
    "From {d} until {today|now}: how many days?|How many days from {d} {to|until} today?}"
)
SPAN = (
    "{{How many days {are there |are |lie |is it |pass |was it |}{between|from}|Days {between|from}|Count the days {from|between}|Number of days {between|from}|"
    "What is the number of days from|{Tell me|Find|Give me|Compute} the {number of |}days {between|from}|What's the difference in days between} {a} {and|to|until} {b}{?|}|"
    "{From|Between} {a} {to|and} {b}, how many days {is that|are there|pass}?|{a} {to|until} {b}: how many days{ is that|}?|"
    "How long is it from {a} {to|until} {b}{ in days|}{?|}|{I was away|The project ran|The trip lasted|He stayed} from {a} {to|until} {b}. How many days {is|was} that?}"
)


def between(r: Random, today: date) -> Task:
    kind = r.choices(["until", "feast", "since", "span", "zh"], [4, 1.6, 1.8, 2.6, 1.6])[0]
    if kind == "span":
        return span(r)
    if kind == "zh":
        return between_zh(r, today)
    if kind == "since":
        return since(r, today)
    goal = today + timedelta(
        days=r.choice([r.randint(2, 60), r.randint(30, 700), r.randint(300, 2500)])
    )
    named = written(r, goal)
    if kind == "until" and (goal - today).days < 330 and r.random() < 0.35:
        named = without_year(r, goal)
    ask = UNTIL if r.random() < 0.75 else ABOUT
    if kind == "feast":
        feast, ask = r.choice([*FEASTS, "Christmas", "New Year's Eve"]), UNTIL
        goal, named = upcoming(*FEASTS[feast], today), feast
        if feast in NAMED and r.random() < 0.3:
            goal = goal.replace(year=today.year + r.randint(1, 4))
            named = f"{feast} {goal.year}"
        elif feast == "the end of the year" and r.random() < 0.5:
            ask = "How many days {are left|remain|are there left} in {this year|the year|{y}}{?|}"
            goal = date(today.year, 12, 31)
    occasion = r.choice(OCCASIONS)
    asked = capital(
        phrase(r, ask, d=named, y=today.year, o=occasion, o2=occasion[0].lower() + occasion[1:])
    )
    follow: tuple[Task, ...] = ()
    if r.random() < 0.25:
        other = today + timedelta(days=r.randint(20, 900))
        named2 = written(r, other)
        if r.random() < 0.3:
            named2 = r.choice(list(FEASTS))
            other = upcoming(*FEASTS[named2], today)
        follow = (Task(phrase(r, "{And|and|What about|And until|and until|and to|how about|And till} {d}{?|}", d=named2),
                       counting(f"There are # days until {named2}."), "days_between", arguments(start=today, end=other)),)  # fmt: skip
    return Task(
        asked,
        counting(f"There are # days until {named}."),
        "days_between",
        arguments(start=today, end=goal),
        follow=follow,
    )


def span(r: Random) -> Task:
    a = date(1930, 1, 1) + timedelta(days=r.randint(0, 38000))
    b = a + timedelta(days=r.choice([r.randint(3, 400), r.randint(3, 40), r.randint(300, 9000)]))
    one, two = written(r, a), written(r, b)
    if a.year == b.year and r.random() < 0.2:
        one, two = without_year(r, a), f"{MONTHS[b.month - 1]} {b.day}, {b.year}"
    return Task(capital(phrase(r, SPAN, a=one, b=two)), counting(f"There are # days from {one} to {two}."), "days_between",
                arguments(start=a, end=b))  # fmt: skip


def since(r: Random, today: date) -> Task:
    goal = today - timedelta(
        days=r.choice([r.randint(2, 60), r.randint(5, 800), r.randint(300, 20000)])
    )
    named = written(r, goal)
    if r.random() < 0.25:
        feast = r.choice(NAMED)
        goal, named = past(*FEASTS[feast], today), r.choice(["", "", "last "]) + feast
    elif r.random() < 0.2 and today.timetuple().tm_yday > 1:
        goal, named = (
            date(today.year, 1, 1),
            r.choice(
                [
                    "the start of the year",
                    "the beginning of this year",
                    "January 1st",
                    "New Year's Day",
                ]
            ),
        )
    elif (today - goal).days < 300 and r.random() < 0.4:
        named = without_year(r, goal)
    return Task(
        capital(phrase(r, SINCE, d=named)),
        counting(f"It is # days since {named}."),
        "days_between",
        arguments(start=goal, end=today),
    )


def between_zh(r: Random, today: date) -> Task:
    goal = today + timedelta(days=r.randint(2, 900))
    named = written_zh(r, goal)
    kind = r.choice(["until", "until", "feast", "since", "span"])
    if kind == "feast":
        named = r.choice(list(FEASTS_ZH))
        goal = upcoming(*FEASTS_ZH[named], today)
    if kind == "since":
        goal = today - timedelta(days=r.randint(2, 9000))
        ask = phrase(
            r,
            "{从 {d} 到今天{有|过了|一共}{多少天|几天}？|{d} 到现在多少天了？|{d} 是多少天以前？}",
            d=written_zh(r, goal),
        )
        return Task(
            ask, counting("已经 # 天了。"), "days_between", arguments(start=goal, end=today)
        )
    if kind == "span":
        start = today - timedelta(days=r.randint(3, 20000))
        end = start + timedelta(days=r.randint(3, 2000))
        ask = phrase(
            r,
            "{从 |}{a} 到 {b} {有|一共有|相隔|是}{多少天|几天}？",
            a=written_zh(r, start),
            b=written_zh(r, end),
        )
        return Task(ask, counting("相隔 # 天。"), "days_between", arguments(start=start, end=end))
    ask = phrase(
        r,
        "{{离|距离|到}{ |}{d}{ |}{还有|有|还剩}{多少天|几天}？|还有{多少天|几天}{到|是}{d}？|{d}还有几天{到|}？}",
        d=named,
    )
    return Task(ask, counting("还有 # 天。"), "days_between", arguments(start=today, end=goal))


OWN: dict[DatedSkill, tuple[str, float]] = {between: ("days_between", 3.2)}
