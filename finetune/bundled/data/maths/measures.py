"""Speed, spans of time, and the ages and scores of people."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

from random import Random

from finetune.bundled.data.intents import Intent, Slots, skill
from finetune.bundled.data.maths.everyday import NAMES
from finetune.bundled.data.tasks import Skill, spoken_list


def moving(r: Random) -> Slots:
    who = r.choice(["A train", "A car", "A cyclist", "A bus", "A plane", "A runner", "My bike", "A truck",
                    "A boat", "Eva", "Tom"])  # fmt: skip
    h = r.choice([2, 3, 4, 5, 6, 1.5, 2.5, 0.5, 3.5])
    v = r.choice([4, 5, 15, 20, 40, 50, 60, 80, 90, 100, 110, 120])
    return {"km": r.choice([int(v * h), r.randint(20, 900)]), "h": h, "v": v, "min": r.choice([10, 20, 30, 40, 45, 50, 90]), "l": r.choice([5, 6, 7, 8, 6.5]),
            "w": who,
            "lw": who[0].lower() + who[1:] if " " in who else who,}  # fmt: skip


SPEED = [
    Intent(moving, """
        {w} {travels|drives|goes|covers|rides|makes} {km} {km|kilometres|kilometers} in {h} {hours|h}. {What is its average speed|How fast is it|What is the speed|What is its speed|How fast is that|What is the average speed}?
        {How fast|At what speed} {is|goes} {lw} that {covers|travels} {km} km in {h} hours?
        {What is the|Compute the|average} speed for {km} km in {h} {hours|h}{?|}
        {I drove|I rode|We drove|He walked} {km} km in {h} hours. {What was my average speed|How fast was that|What was the speed}?
        {km} km in {h} {hours|h}{, how fast is that|, what speed is that|: speed}?
    """, "print({km} / {h})", "The speed is [[]] km/h.", "{一辆车|火车|汽车} {h} 小时{行驶|走|开}了 {km} 公里，{平均|}速度是多少？", "速度是 [[]] 公里每小时。", 1.4),
    Intent(moving, """
        {How long|How many hours} {does it take|do I need|takes it} {for|to drive|to travel|to go} {km} km at {v} {km/h|kilometres per hour}?
        {w} {goes|drives|travels} {at |}{v} km/h. How long does it {take|need} for {km} km?
        {I drive|We go} {km} km at {v} km/h. {How long does that take|How many hours is that}?
    """, "print(round({km} / {v}, 2))", "It takes [[]] hours.", "{km} 公里，以每小时 {v} 公里的速度要{多久|几个小时}？", "需要 [[]] 小时。"),
    Intent(moving, """
        {How far|How many km} {does {lw} get|do I get|can I drive|do you go} in {h} hours at {v} km/h?
        {w} {goes|drives|travels} {at |}{v} km/h for {h} hours. {How far does it get|How far is that|How many km is that|What distance is that}?
    """, "print({v} * {h})", "That is [[]] km.", "以每小时 {v} 公里的速度{行驶|走} {h} 小时，能走多远？", "能走 [[]] 公里。"),
    Intent(moving, "{A|My|The} car {uses|needs|burns} {l} {litres|liters} {per|for} 100 km. How {much|many litres} {does it need|is that} for {km} km?\nHow much {fuel|petrol|gas} {do I need|is needed} for {km} km at {l} {litres|liters} per 100 km?",
           "print(round({km} * {l} / 100, 2))", "It needs [[]] litres.", weight=0.5),
]  # fmt: skip

IN_CODE = {("minute", "hour"): "60", ("second", "minute"): "60", ("second", "hour"): "60 * 60", ("hour", "day"): "24", ("minute", "day"): "24 * 60",
           ("second", "day"): "24 * 60 * 60", ("day", "week"): "7", ("hour", "week"): "7 * 24", ("minute", "week"): "7 * 24 * 60",
           ("second", "week"): "7 * 24 * 60 * 60", ("day", "year"): "365", ("hour", "year"): "365 * 24", ("minute", "year"): "365 * 24 * 60",
           ("second", "year"): "365 * 24 * 60 * 60", ("month", "year"): "12"}  # fmt: skip
ZH = {
    "second": "秒",
    "minute": "分钟",
    "hour": "小时",
    "day": "天",
    "week": "周",
    "year": "年",
    "month": "个月",
}


def spans(r: Random) -> Slots:
    (small, big), code = r.choice(list(IN_CODE.items()))
    n: object = r.choice([1, r.randint(2, 12), r.randint(2, 60), 1.5, 2.5])
    one = n == 1
    a = {"hour": "an"}.get(big, "a")
    said = r.choice([f"{a} {big}", f"one {big}"]) if one else f"{n} {big}s"
    several = f"1 {big}" if one else f"{n} {big}s"
    zh = f"{'一' if one else n}{'个' if big == 'hour' else ''}{ZH[big]}"
    total = r.choice([r.randint(100, 9999), r.randint(4000, 99999), 3661, 5000, 10000])
    return {
        "s": small,
        "said": said,
        "t": several,
        "code": f"{n} * {code}" if not one else code,
        "zs": ZH[small],
        "zb": zh,
        "total": total,
        "m": r.randint(65, 900),
    }


TIME = [
    Intent(spans, """
        How many {s}s are {there |}in {said}?
        How many {s}s {does|has} {said}{ have|}?
        {Convert|convert|Turn} {t} {to|into} {s}s
        {t} in {s}s{?|}
        {How much|What} is {t} in {s}s?
        {said} {is|are} how many {s}s?
        number of {s}s in {said}
        {Tell me|Work out|Calculate} how many {s}s {said} {has|have}
        {s}s in {said}?
    """, "print({code})", "{t}: [[]] {s}s.", "{zb}{有|等于|是}{多少|几}{zs}？\n{zb}一共有多少{zs}？", "{zb}有 [[]] {zs}。", 3),
    Intent(spans, """
        {Convert|Turn|Write|Express} {total} seconds {to|into|as|in} {hours, minutes and seconds|h:m:s|h:mm:ss|hh:mm:ss}
        {How many hours, minutes and seconds are {total} seconds|How much is {total} seconds in hours, minutes and seconds}?
        {total} seconds {as|in} {h:m:s|hours, minutes and seconds}
    """, "from datetime import timedelta\nprint(timedelta(seconds={total}))", "{total} seconds are [[]] (h:mm:ss).", "{total} 秒是几小时几分几秒？", "{total} 秒是 [[]]。", 0.8, plain=True),
    Intent(spans, "{Convert|Turn|Write} {m} minutes {to|into|as|in} hours and minutes\nHow many hours and minutes {are|is} {m} minutes?\n{m} minutes in hours and minutes", "from datetime import timedelta\nprint(timedelta(minutes={m}))", "{m} minutes are [[]] (h:mm:ss).", weight=0.7),
    Intent(spans, "How many hours {are|is} {m} minutes?\n{m} minutes in hours{?|}\n{Convert|Turn} {m} minutes {to|into} hours", "print(round({m} / 60, 2))", "{m} minutes are [[]] hours.", "{m} 分钟是多少小时？", "{m} 分钟是 [[]] 小时。", 0.7),
]  # fmt: skip


def family(r: Random) -> Slots:
    k = r.choice([2, 3, 3, 3, 4, 5])
    names, values = r.sample(NAMES, k), [r.randint(3, 95) for _ in range(k)]
    while len(set(values)) < k:
        values = [r.randint(3, 95) for _ in range(k)]
    joint = r.choice([" ", " ", ": ", " is ", " (", "="])
    pairs = [
        f"{n}{joint}{v}{')' if joint == ' (' else ''}" for n, v in zip(names, values, strict=True)
    ]
    zh = "、".join(f"{n} {v} 岁" for n, v in zip(names, values, strict=True))
    people = "{" + ", ".join(f'"{n}": {v}' for n, v in zip(names, values, strict=True)) + "}"
    return {
        "p": r.choice([", ".join(pairs), spoken_list(pairs)]),
        "d": people,
        "v": values,
        "zh": zh,
        "u": r.choice(["points", "euros", "goals", "books"]),
    }


WHO = [
    Intent(family, """
        Who is the oldest{:|,|?} {p}{?|}
        Which of {them|these} is the oldest? {p}
        {p}. Who is the oldest?
        {Find|Tell me} the oldest of {p}
        {Who has the most points|Who has the highest score|Who won|Who has the most|Who scored {the |}most}{: |? }{p}
        {p}{. Who has the most?|, who has the highest score?| - who is oldest?}
    """, "people = {d}\nprint(max(people, key=people.get))", "It is [[]].", "{zh}，谁{最大|年纪最大}？", "是 [[]]。", 1.4),
    Intent(family, """
        Who is the youngest{:|,|?} {p}{?|}
        Which of {them|these} is the youngest? {p}
        {p}. Who is the youngest?
        {Find|Tell me} the youngest of {p}
        {Who has the fewest points|Who has the lowest score|Who has the least}{: |? }{p}
    """, "people = {d}\nprint(min(people, key=people.get))", "It is [[]].", "{zh}，谁{最小|最年轻}？", "是 [[]]。"),
    Intent(family, """
        {Compute|Find|What is|Calculate|Work out} the {average|mean} {age|score} of {p}{?|}
        {average|mean} age of {p}
        {p}. What is {the|their} {average|mean} {age|score}?
        {How old|What age} are {p} on average?
    """, "import statistics\npeople = {d}\nprint(statistics.mean(people.values()))", "The average is [[]].", "{zh}，平均年龄是多少？", "平均是 [[]]。", 1.4),
    Intent(family, "{What is|Compute|Find} the {total|sum} {age |score |}of {p}{?|}\n{How much|How many {u}} do {p} have together?\n{p}. {What is their total|How much is that together}?", "people = {d}\nprint(sum(people.values()))", "Together it is [[]]."),
    Intent(family, "{Sort|Order|Rank} {by age|from youngest to oldest|by score|by number}: {p}\n{Sort|Order} {p} by {age|score}", "people = {d}\nprint(sorted(people, key=people.get))", "In order: [[]]"),
]  # fmt: skip
SKILLS: dict[Skill, float] = {skill(SPEED): 1.5, skill(TIME): 2, skill(WHO): 1.8}
