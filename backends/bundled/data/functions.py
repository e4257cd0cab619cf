"""The functions that come with the app, called and really run (but for the weather's network)."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

import json
from datetime import date, timedelta
from random import Random

from backends.bundled.data.tasks import Skill, Task, phrase, said, stating
from backends.bundled.data.words import MONTHS

UNITS = {
    "length": ["m", "metres", "meters", "km", "kilometres", "kilometers", "miles", "feet", "ft", "inches", "cm",
               "centimetres", "mm", "yards", "nautical miles"],
    "mass": ["kg", "kilograms", "g", "grams", "pounds", "lbs", "ounces", "oz", "stone", "tonnes"],
    "volume": ["litres", "liters", "ml", "gallons", "cups", "pints"],
    "speed": ["km/h", "mph", "m/s", "knots"],
    "temperature": ["C", "F", "Celsius", "Fahrenheit", "K", "degrees Celsius", "degrees Fahrenheit"],
}  # fmt: skip
# As the tool knows it.
UNIT = {"metres": "m", "meters": "m", "kilometres": "km", "kilometers": "km", "miles": "mile", "feet": "foot",
        "ft": "foot", "inches": "inch", "centimetres": "cm", "yards": "yard", "nautical miles": "nautical mile",
        "kilograms": "kg", "grams": "g", "pounds": "pound", "lbs": "pound", "ounces": "ounce", "oz": "ounce",
        "tonnes": "tonne", "litres": "l", "liters": "l", "gallons": "gallon", "cups": "cup", "pints": "pint",
        "knots": "knot", "Celsius": "C", "Fahrenheit": "F", "degrees Celsius": "C",
        "degrees Fahrenheit": "F"}  # fmt: skip
UNITS_ZH = {"km": "公里", "m": "米", "mile": "英里", "kg": "公斤", "pound": "磅", "foot": "英尺", "inch": "英寸", "cm": "厘米",
            "C": "摄氏度", "F": "华氏度", "l": "升", "gallon": "加仑"}  # fmt: skip
CITIES = ["Tokyo", "Paris", "London", "Berlin", "Madrid", "Rome", "Cairo", "Sydney", "Toronto", "Chicago", "Denver",
          "Lisbon", "Dublin", "Oslo", "Helsinki", "Vienna", "Prague", "Warsaw", "Athens", "Istanbul", "Moscow",
          "Shanghai", "Singapore", "Seoul", "Jakarta", "Manila", "Bangkok", "Dubai", "Nairobi", "Lagos", "Lima",
          "Bogota", "Auckland", "New York", "Los Angeles", "Hong Kong", "Sao Paulo", "Mexico City"]  # fmt: skip
MORE_CITIES = [*CITIES, "Lyon", "Bergen", "Porto", "Graz", "Basel", "Munich", "Hamburg", "Boston", "Seattle", "Austin",
               "Kyoto", "Osaka", "Nanjing", "Hangzhou", "Leeds", "Bath", "Naples", "Milan", "Seville", "Ghent"]  # fmt: skip
CITIES_ZH = {"Tokyo": "东京", "Paris": "巴黎", "London": "伦敦", "Berlin": "柏林", "New York": "纽约", "Sydney": "悉尼",
             "Shanghai": "上海", "Singapore": "新加坡", "Moscow": "莫斯科", "Seoul": "首尔", "Rome": "罗马"}  # fmt: skip
SKIES = ["Sunny", "Clear", "Partly cloudy", "Cloudy", "Overcast", "Light rain", "Mist", "Patchy rain nearby",
         "Light snow", "Fog", "Moderate rain"]  # fmt: skip


def written(r: Random, when: date, today: date) -> str:
    """A date as people write it, unambiguous."""
    month = MONTHS[when.month - 1]
    forms = [when.isoformat()] * 3
    forms += [
        f"{month} {when.day}, {when.year}",
        f"{when.day} {month} {when.year}",
        f"{month} {when.day} {when.year}",
    ]
    return r.choice(forms)


def call(**arguments: object) -> str:
    return json.dumps(arguments, ensure_ascii=False)


def convert(r: Random) -> Task:
    a, b = r.sample(UNITS[r.choice(list(UNITS))], 2)
    while UNIT.get(a, a) == UNIT.get(b, b):
        a, b = r.sample(UNITS[r.choice(list(UNITS))], 2)
    n = r.choice(
        [r.randint(1, 20), r.randint(10, 500), round(r.uniform(0.5, 99), 1), 1000, 100, 42.195]
    )
    x, y = UNIT.get(a, a), UNIT.get(b, b)
    follow: tuple[Task, ...] = ()
    if r.random() < 0.35:
        if r.random() < 0.5:
            m = r.randint(1, 200)
            follow = (Task(phrase(r, "{And|and|What about} {m}{ {a}|}?", m=m, a=a), stating(r, "[[]]."), "convert_units",
                           call(amount=m, from_unit=x, to_unit=y)),)  # fmt: skip
        else:
            kind = next(k for k, units in UNITS.items() if a in units)
            others = [u for u in UNITS[kind] if UNIT.get(u, u) not in (x, y)]
            if others:
                c = r.choice(others)
                follow = (Task(phrase(r, "{And in|and in|Now in|What about in} {c}?", c=c), stating(r, "[[]]."),
                               "convert_units", call(amount=n, from_unit=x, to_unit=UNIT.get(c, c))),)  # fmt: skip
    if x in UNITS_ZH and y in UNITS_ZH and r.random() < 0.5:
        ask = phrase(
            r,
            "{{n}{ |}{a}{是|等于}多少{b}？|把 {n} {a}{换算成|转换为}{b}}",
            n=n,
            a=UNITS_ZH[x],
            b=UNITS_ZH[y],
        )
        follow = ()
    else:
        ask = phrase(r, "{{Convert|convert|Please convert|Change} {n} {a} {to|into} {b}|How {many|much} {b} {is|are|in} {n} {a}?|"
                     "What is {n} {a} in {b}?|{n} {a} {in|to} {b}{?|}|how much is {n} {a} in {b}}{.|}".replace("}{.|}", "}"),
                     n=n, a=a, b=b)  # fmt: skip
    return Task(ask, stating(r, "{[[]].|{n} {a} is [[]].}".replace("{n} {a} is [[]].", "[[]].")), "convert_units",
                call(amount=n, from_unit=x, to_unit=y), follow=follow)  # fmt: skip


def convert_error(r: Random) -> Task:
    """A unit that the tool refuses."""
    n = r.randint(1, 90)
    a, b = r.choice(
        [("kg", "km"), ("miles", "litres"), ("C", "kg"), ("pounds", "metres"), ("mph", "kg")]
    )
    return Task(f"Convert {n} {a} to {b}", said(f"That can't be converted: {a} and {b} don't measure the same thing."),
                "convert_units", call(amount=n, from_unit=UNIT.get(a, a), to_unit=UNIT.get(b, b)))  # fmt: skip


def time_now(r: Random) -> Task:
    city = r.choice(CITIES)

    def answer(observed: str) -> str:
        return f"In {city} it is {observed.split(' (')[0]}."

    follow: tuple[Task, ...] = ()
    if r.random() < 0.4:
        other = r.choice(CITIES)
        follow = (Task(phrase(r, "{And in|and in|What about|And for|How about in} {c}?", c=other),
                       lambda seen: f"In {other} it is {seen.split(' (')[0]}.", "current_time", call(zone=other)),)  # fmt: skip
    if r.random() < 0.2:
        city = r.choice(list(CITIES_ZH))
        zh = CITIES_ZH[city]
        return Task(phrase(r, "{现在|}{c}{现在几点|几点了|是几点|的时间是多少}？", c=zh),
                    lambda seen: f"{zh}现在是 {seen.split(' (')[0]}。", "current_time", call(zone=city))  # fmt: skip
    if r.random() < 0.2:
        ask = phrase(
            r, "{What time is it|What's the time|What time is it now|Tell me the time|now?}{?|}"
        )
        return Task(ask, lambda seen: f"It is {seen.split(' (')[0]} UTC.", "current_time", "{}")
    ask = phrase(r, "{What time is it|What's the time|what time is it now|Tell me the time|Time|Current time|What is the local time}"
                 " in {c}{?|}", c=city)  # fmt: skip
    return Task(ask, answer, "current_time", call(zone=city), follow=follow)


def days(observed: str) -> str:
    return observed.rsplit(": ", 1)[-1].removesuffix(" days.").strip()


def between(r: Random, today: date) -> Task:
    if r.random() < 0.55:
        goal = today + timedelta(
            days=r.choice([r.randint(2, 60), r.randint(30, 700), r.randint(300, 2000)])
        )
        back = r.random() < 0.15
        if back:
            goal = today - timedelta(days=r.randint(5, 4000))
        named = written(r, goal, today)
        if not back and r.random() < 0.2:
            ask, goal, named = r.choice(
                [
                    ("{How many days|How long} until {Christmas|Christmas Eve|New Year}{?|}", goal, ""),
                    ("How many days {are left|remain} in {this year|the year}?", date(today.year, 12, 31), "the end of the year"),
                ]
            )  # fmt: skip
            ask = phrase(r, ask)
            if not named:
                day, named = (
                    (24, "Christmas Eve")
                    if "Eve" in ask
                    else (25, "Christmas")
                    if "Chr" in ask
                    else (1, "New Year")
                )
                goal = date(today.year, 12, day) if "New" not in ask else date(today.year + 1, 1, 1)
                if goal <= today:
                    goal = goal.replace(year=goal.year + 1)
        else:
            ask = phrase(r, "{How many days {since|have passed since|ago was}|How long is it since} {d}?" if back else
                         "{{How many days|how many days} {until|till|to|are left until|are there until|before|from today to|from now to}"
                         "|How {long|far} {is it |}until|Days {until|left until}|Count the days until} {d}{?|}", d=named)  # fmt: skip
        if r.random() < 0.15 and not back:
            ask = phrase(r, "{离|距离|到}{d}还有{多少天|几天}？", d=goal.isoformat())
            return Task(
                ask,
                lambda seen: f"还有 {days(seen)} 天。",
                "days_between",
                call(start=str(today), end=str(goal)),
            )
        if back:
            return Task(ask, lambda seen: f"It is {days(seen)} days since {named}.", "days_between",
                        call(start=str(goal), end=str(today)))  # fmt: skip
        follow: tuple[Task, ...] = ()
        if r.random() < 0.3:
            other = today + timedelta(days=r.randint(20, 900))
            name2 = written(r, other, today)
            follow = (Task(phrase(r, "{And|and|What about|And until} {d}?", d=name2),
                           lambda seen: f"There are {days(seen)} days until {name2}.", "days_between",
                           call(start=str(today), end=str(other))),)  # fmt: skip
        return Task(ask, lambda seen: f"There are {days(seen)} days until {named}.", "days_between",
                    call(start=str(today), end=str(goal)), follow=follow)  # fmt: skip
    a = date(1950, 1, 1) + timedelta(days=r.randint(0, 32000))
    b = a + timedelta(days=r.choice([r.randint(3, 400), r.randint(300, 9000)]))
    one, two = written(r, a, today), written(r, b, today)
    ask = phrase(r, "{How many days {are there |are |lie |}{between|from}|Days {between|from}|Count the days {from|between}|"
                 "What is the number of days from} {a} {and|to} {b}{?|}", a=one, b=two)  # fmt: skip
    return Task(ask, lambda seen: f"There are {days(seen)} days from {one} to {two}.", "days_between",
                call(start=str(a), end=str(b)))  # fmt: skip


def add(r: Random, today: date) -> Task:
    n = r.choice([r.randint(2, 20), r.randint(10, 400)])
    unit = r.choice(["days", "days", "weeks"])
    arguments: dict[str, object] = {"start": str(today), "amount": n}
    if unit == "weeks":
        arguments["unit"] = "weeks"
    kind = r.choice(["from now", "ago", "after", "before", "zh"])
    if kind in ("after", "before"):
        start = date(1980, 1, 1) + timedelta(days=r.randint(0, 22000))
        arguments["start"] = str(start)
        named = written(r, start, today)
        arguments["amount"] = n if kind == "after" else -n
        ask = phrase(r, "{What {date|day} is|Which date is|What's the date|Find the date|When is} {n} {u} {k} {d}{?|}",
                     n=n, u=unit, k=kind, d=named)  # fmt: skip
        end = f"{n} {unit} {kind} {named}"
    elif kind == "zh":
        ask = phrase(
            r, "{{n}{天|天}后是{哪天|几号|什么日子|星期几}？|从今天起{n}天后是哪一天？}", n=n
        )
        arguments.pop("unit", None)
        return Task(
            ask, lambda seen: f"{n} 天后是 {seen.strip()}。", "add_to_date", call(**arguments)
        )
    else:
        arguments["amount"] = n if kind == "from now" else -n
        ask = phrase(r, "{What {date|day} {is|will it be|was}|Which day is|When is|What is the date} {{n} {u} {k}|in {n} {u}}{?|}"
                     if kind == "from now" else "{What {date|day} was|Which date was|What was the date} {n} {u} {k}{?|}",
                     n=n, u=unit, k=r.choice(["from now", "from today"]) if kind == "from now" else "ago")  # fmt: skip
        end = f"{n} {unit} {kind}"
    return Task(
        ask,
        lambda seen: f"{end[0].upper()}{end[1:]}: {seen.strip()}.",
        "add_to_date",
        call(**arguments),
    )


def draw(r: Random) -> Task:
    n, low = r.randint(2, 12), r.randint(0, 20)
    high = low + r.choice([r.randint(5, 80), 100, 1000])
    seed = r.randint(1, 99)
    ask, arguments = r.choice(
        [
            ("{Roll|Throw} {a die|a dice|one die}", {}),
            ("{Roll|Throw} {n} dice", {"count": n}),
            ("{Pick|Give me|Draw|Choose} {a|one} random number {between|from} {l} {and|to} {h}", {"low": low, "high": high}),
            ("{Pick|Give me|Draw|Generate|I need} {n} random {numbers|whole numbers} {between|from} {l} {and|to} {h}", {"low": low, "high": high, "count": n}),
            ("{Generate|Give me} {n} random decimals {between|from} {l} {and|to} {h}", {"low": low, "high": high, "count": n, "kind": "decimal"}),
            ("{Draw|Pick|Give me} {n} lottery numbers from 1 to {h}", {"low": 1, "high": high, "count": n}),
            ("{Draw|Generate} {n} random numbers {from|between} {l} {and|to} {h} with seed {s}", {"low": low, "high": high, "count": n, "seed": seed}),
            ("{Roll|Throw} a {h}-sided die", {"low": 1, "high": high}),
            ("{Flip a coin: |}{0 or 1|a random 0 or 1}", {"low": 0, "high": 1}),
            ("{掷{n}个骰子|掷 {n} 次骰子}", {"count": n}),
            ("给我{n}个{l}到{h}之间的随机数", {"low": low, "high": high, "count": n}),
        ]
    )  # fmt: skip
    asked = phrase(r, ask + "{.|}", n=n, l=low, h=high, s=seed)
    zh = not asked.isascii()
    return Task(asked, stating(r, "结果是 [[]]。" if zh else "{The numbers are|Here they are:|The result is} [[]]."),
                "random_numbers", json.dumps(arguments))  # fmt: skip


def weather(r: Random) -> Task:
    city = r.choice(MORE_CITIES)
    zh = r.random() < 0.15
    if zh:
        city = r.choice(list(CITIES_ZH))

    def look(city: str) -> tuple[str, str]:
        degrees = r.randint(-8, 36)
        sky = r.choice(SKIES)
        seen = (f"{city}, {r.choice(['France', 'Italy', 'Japan', 'Norway', 'Peru', 'Canada', 'Spain'])}: {sky}, {degrees} °C "
                f"(feels like {degrees + r.randint(-3, 2)} °C), humidity {r.randint(20, 98)} %, wind {r.randint(1, 50)} km/h.")  # fmt: skip
        return seen, f"In {city} it is {degrees} °C: {sky.lower()}."

    seen, answer = look(city)
    if r.random() < 0.3:
        seen = "There is no network here, so the weather can't be looked up."
        answer = "I can't look up the weather: there is no network here."
        zh_answer = "查不到天气：这里没有网络。"
    else:
        zh_answer = f"{CITIES_ZH.get(city, city)}现在 {seen.split(', ')[2].split(' (')[0]}。"
    if zh:
        ask = phrase(r, "{c}{今天|现在|}{天气怎么样|的天气如何|天气}？", c=CITIES_ZH[city])
        return Task(ask, said(zh_answer), "weather", call(city=city), observation=seen)
    ask = phrase(r, "{{What is|What's|How is} the weather {like |}{in|today in} {c}{ now| today|}|Weather in {c}|Is it {raining|sunny|cold} in {c}|"
                 "How {warm|cold} is it in {c}{ now|}|Do I need an umbrella in {c}|Tell me the weather in {c}}{?|}", c=city)  # fmt: skip
    follow: tuple[Task, ...] = ()
    if r.random() < 0.35:
        other = r.choice(MORE_CITIES)
        seen2, answer2 = look(other)
        follow = (Task(phrase(r, "{And in|and for|And|What about|How about|And for} {c}?", c=other), said(answer2), "weather",
                       call(city=other), observation=seen2),)  # fmt: skip
    return Task(ask, said(answer), "weather", call(city=city), observation=seen, follow=follow)


SKILLS: dict[Skill, float] = {convert: 3, convert_error: 0.3, time_now: 1.7, draw: 1.5, weather: 2}
DATED = {between: 3.0, add: 2.0}
