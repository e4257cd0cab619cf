"""Sums of every kind: the four rules, powers, roots, remainders, rounding, logarithms."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

from random import Random

from finetune.bundled.data.intents import WHAT, Intent, Slots, size, skill
from finetune.bundled.data.tasks import Skill

DO = "{Calculate|Compute|Work out|Evaluate|calculate|compute|evaluate|Do|Solve}"


def two(r: Random) -> Slots:
    a, b = size(r), size(r)
    if r.random() < 0.12:
        a = r.choice([round(r.uniform(0, 99), 1), round(r.uniform(0, 99), 2)])  # type: ignore[assignment]
    c, d = size(r), r.randint(2, 50)
    return {"a": a, "b": b, "c": c, "d": d}


def divided(r: Random) -> Slots:
    b = r.randint(2, 60)
    a = r.choice([b * r.randint(2, 200), size(r) + b])
    return {"a": a, "b": b, "d": r.randint(2, 20)}


AGAIN = (
    ("{And|and|Now|What is|what about|} that {times|multiplied by} {d}{?|}\n{Multiply|multiply} {that|it|the result} by {d}", "print(({e}) * {d})", "Times {d} it is [[]]."),
    ("{And|and|Now|} {that |}divided by {d}{?|}\n{Divide|divide|now divide} {that|it|the result} by {d}", "print(({e}) / {d})", "Divided by {d} it is [[]]."),
    ("{And|and|Now|} {plus|add} {d}{?|}\n{Add|add|now add} {d}{ to that| to it|}", "print(({e}) + {d})", "Plus {d} it is [[]]."),
    ("{And|and|Now|} minus {d}{?|}\n{Subtract|subtract|take away} {d}{ from that| from it|}", "print(({e}) - {d})", "Minus {d} it is [[]]."),
)  # fmt: skip


def again(code: str) -> tuple[tuple[str, str, str], ...]:
    """Follow-ups that reckon on with a result."""
    return tuple((asks, after.replace("{e}", code), answer) for asks, after, answer in AGAIN)


def sum_of(
    sign: str, asks: str, zh: str, slots: object = two, symbols: str = "", weight: float = 1.0
) -> Intent:
    code = f"{{a}} {sign} {{b}}"
    signs = symbols or "{" + f"{sign}| {sign} " + "}"
    short = f"""
        {{a}}{signs}{{b}}
        {{a}}{signs}{{b}}{{?|=|= ?|=?| = ?}}
        {{a}} {sign} {{b}}
        {WHAT} {{a}}{signs}{{b}}{{?|}}
        {{how much is|How much is|How much does|What does}} {{a}}{signs}{{b}}{{?| make?| equal?}}
        {DO} {{a}}{signs}{{b}}
    """
    return Intent(slots, short + asks, f"print({code})", f"{{a}} {sign} {{b}} is [[]].",  # type: ignore[arg-type]
                  f"{{计算|用 Python 算|算一下|请计算|算|帮我算}}{{ |}}{{a}} {sign} {{b}}\n{{a}}{{ |}}{sign}{{ |}}{{b}}{{等于多少？|是多少？|=？| 等于几？}}\n" + zh,
                  f"{{a}} {sign} {{b}} 等于 [[]]。", weight, follow=again(code))  # fmt: skip


RULES = [
    sum_of("*", """
        {What is|What's|whats|Compute} {a} times {b}{?|}
        {Multiply|multiply} {a} {by|and|with} {b}
        {a} {times|multiplied by} {b}{?|}
        {Find|What is|Give me} the product of {a} and {b}
        How much is {a} times {b}?
        What do {you|I|we} get {when|if} {you|I|we} multiply {a} {by|and} {b}?
    """, "{a}乘以{b}{等于多少？|是多少|}\n{a}乘{b}等于几？", symbols="{*| * | x |x| × |×|*}", weight=1.6),
    sum_of("+", """
        {What is|What's|whats|Compute} {a} plus {b}{?|}
        {Add|add} {a} {and|to} {b}
        {a} plus {b}{?|}
        {Find|What is} the {sum|total} of {a} and {b}{?|}
        What do {you|I|we} get {when|if} {you|I|we} add {a} {and|to} {b}?
    """, "{a}加{b}{等于多少？|是多少|}\n{a}加上{b}等于几？"),
    sum_of("-", """
        {What is|What's|whats} {a} minus {b}{?|}
        {Subtract|Take|subtract|Take away} {b} from {a}
        {a} {minus|less} {b}{?|}
        {What is|Find} the difference between {a} and {b}{?|}
        What do {you|I|we} get {when|if} {you|I|we} {subtract|take} {b} from {a}?
    """, "{a}减{b}{等于多少？|是多少|}\n{a}减去{b}等于几？"),
    sum_of("/", """
        {What is|What's|whats|Compute} {a} {divided by|over} {b}{?|}
        {Divide|divide} {a} by {b}
        {a} divided by {b}{?|}
        What do {you|I|we} get {when|if} {you|I|we} divide {a} by {b}?
        How {many times|often} does {b} go into {a}?
        {What is|Write|Show me|Give me} {a}/{b} as a decimal{ number|}{?|}
    """, "{a}除以{b}{等于多少？|是多少|}", divided, "{/| / |÷| ÷ }", 1.3),
]  # fmt: skip


def longer(r: Random) -> Slots:
    a, b, c, d = (size(r) for _ in "abcd")
    shape = r.choice(["{a} * {b} + {c}", "({a} + {b}) * {c}", "{a} + {b} - {c}", "{a} * ({b} - {c})", "({a} - {b}) / {c}",
                      "{a} * {b} * {c}", "{a} + {b} + {c} + {d}", "({a} + {b}) * {c} - {d}", "{a} / {b} + {c}",
                      "({a} + {b}) * ({c} - {d})", "{a} - {b} * {c}", "{a} * {b} - {c} * {d}", "({a} * {b} + {c}) / {d}",
                      "{a}**2 + {b}**2", "({a} + {b})**2", "{a}**3 - {b}", "({a} + {b} + {c}) / 3", "-{a} + {b}"])  # fmt: skip
    code = shape.format(a=a, b=b, c=c, d=d)
    said = code.replace("**", r.choice(["^", "^", "**"]))
    if r.random() < 0.3:
        said = said.replace(" * ", r.choice([" x ", "*", " × "]))
    if r.random() < 0.3:
        said = said.replace(" ", "")
    return {"e": code, "s": said, "d": r.randint(2, 20)}


def squares(r: Random) -> Slots:
    return {
        "a": r.choice([r.randint(2, 30), r.randint(10, 999)]),
        "b": r.randint(2, 40),
        "d": r.randint(2, 20),
    }


def powers(r: Random) -> Slots:
    a, b = r.choice([(r.randint(2, 12), r.randint(3, 90)), (2, r.randint(5, 200)), (r.randint(11, 999), r.randint(3, 12)),
                     (r.choice([1.5, 1.1, 0.5, 2.5]), r.randint(3, 20)), (r.randint(2, 20), 100)])  # fmt: skip
    return {"a": a, "b": b, "c": r.randint(3, 99), "d": r.randint(2, 20)}


def rooted(r: Random) -> Slots:
    k = r.randint(2, 99)
    return {
        "n": r.choice([k**2, k**2, r.randint(2, 99), r.randint(100, 99999), 2, 3, 5]),
        "k": r.choice([k, r.randint(2, 20)]),
    }


def cubed(r: Random) -> Slots:
    k = r.randint(2, 30)
    return {"n": r.choice([k**3, k**3, r.randint(5, 5000)]), "k": r.randint(4, 7)}


def place(r: Random) -> Slots:
    k = r.randint(0, 4)
    return {"x": round(r.uniform(0, r.choice([9, 99, 9999])), r.randint(k + 1, 7)), "k": max(k, 1),
            "h": r.choice([10, 100, 1000]), "n": r.randint(1001, 999999), "p": r.randint(2, 12)}  # fmt: skip


POWERS = [
    Intent(powers, """
        {What is|What's|Compute|Calculate|Work out|Give me|Tell me} {a} to the power {of |}{b}{?|}
        {What is|What's|Compute|Calculate|How much is} {a}{^| ^ |**}{b}{?|}
        {a}{^|**| ^ | ** }{b}{| =| = ?|=|?}
        {a} to the {power of |power }{b}{?|}
        {What is|Compute|Find} {a} to the {b#}{ power|}{?|}
        {What is|Find|Compute|Show me} the {b#} power of {a}{?|}
        {Raise|raise} {a} to {the power {of |}{b}|the {b#} power}
        How {big|large} is {a} to the power {of |}{b}?
        What do {you|I} get when {you|I} multiply {a} by itself {b} times?
        {a} {raised to|to the} power {b}
    """, "print({a}**{b})", "{a} to the power {b} is [[]].",
    """
        {用 Python 算|用 Python 计算|计算|算一下|请算出|帮我算|用python算|请用Python计算}{ |}{a}{ |}的{ |}{b}{ |}次方
        {a}{ |}的{ |}{b}{ |}次方{是多少？|等于多少？|是多少|}
        {用 Python 算|计算|算一下|} {a} 的 {b} 次{方|幂}{等于多少|是多少？|}
        求 {a} 的 {b} 次幂
        {a}^{b} {等于多少？|是多少？}
    """, "{a} 的 {b} 次方是 [[]]。", 4,
    follow=(("{And|and|what about} to the power {c}?\n{and|now} {with|to} {c} instead of {b}", "print({a}**{c})", "{a} to the power {c} is [[]]."), *again("{a}**{b}"))),
    Intent(squares, """
        {What is|What's|Compute|Calculate|Give me|Tell me} {a} squared{?|}
        {a} squared{?|}
        {What is|Find|Compute|What's} the square of {a}{?|}
        {Square|square} {the number |}{a}
        How much is {a} squared?
    """, "print({a}**2)", "{a} squared is [[]].", "{a}的平方{是多少？|等于多少|}\n计算 {a} 的平方", "{a} 的平方是 [[]]。", 1.2, follow=again("{a}**2")),
    Intent(squares, """
        {What is|What's|Compute|Calculate|Give me|Tell me} {a} cubed{?|}
        {a} cubed
        {What is|Find|Compute|What's} the cube of {a}{?|}
        {Cube|cube} {the number |}{a}
        How much is {a} cubed?
    """, "print({a}**3)", "{a} cubed is [[]].", "{a}的立方{是多少？|等于多少|}", "{a} 的立方是 [[]]。"),
    Intent(squares, """
        {What is|What's|Compute|Calculate} {a} squared plus {b} squared{?|}
        {Add|add} the squares of {a} and {b}
        {What is|Find} the sum of the squares of {a} and {b}{?|}
    """, "print({a}**2 + {b}**2)", "{a} squared plus {b} squared is [[]]."),
    Intent(rooted, """
        {What is|What's|Compute|Calculate|Find|Tell me|Give me} the {square root|sqrt|root} of {n}{?|}
        {square|Square} root of {n}{?|}
        {sqrt({n})|sqrt {n}|√{n}|the root of {n}}{?|}
        {What is|How much is} {sqrt({n})|√{n}}{?|}
        {Which|What} number squared {is|gives} {n}?
        {Take|take|Extract} the {square |}root of {n}
        How {big|large} is the square root of {n}?
    """, "import math\nprint(math.sqrt({n}))", "The square root of {n} is [[]].",
    "{n} 的平方根{是多少？|等于多少？|}\n{求|计算|算一下} {n} 的平方根\n{n}开{平|}方{是多少？|等于多少|}\n根号{n}{等于多少？|是多少}", "{n} 的平方根是 [[]]。", 2.4,
    follow=(("{And|and|what about|and of} {of |}{k}?", "import math\nprint(math.sqrt({k}))", "The square root of {k} is [[]]."),), broken=("math.sqrt", "math.root")),
    Intent(cubed, """
        {What is|What's|Compute|Calculate|Find} the {cube|third} root of {n}{?|}
        {cube|Cube} root of {n}{?|}
        {Take|take} the cube root of {n}
        {Which|What} number cubed {is|gives} {n}?
    """, "print(round({n} ** (1 / 3), 6))", "The cube root of {n} is [[]].", "{n} 的立方根是多少？", "{n} 的立方根是 [[]]。"),
    Intent(cubed, "{What is|Compute|Find} the {k#} root of {n}{?|}\n{k#} root of {n}", "print(round({n} ** (1 / {k}), 6))", "The {k#} root of {n} is [[]].", weight=0.5),
    Intent(longer, "{What is|What's|Calculate|Compute|Evaluate|How much is} {s}{?|}\n{s}{| =|=|=?| = ?}\n" + DO + " {s}\n{Use|use} Python to {compute|calculate|evaluate} {s}\n{Solve|Simplify} {s}",
           "print({e})", "{s} is [[]].", "{计算|用 Python 算|算一下|请计算} {s}\n{s}{等于多少？|是多少？|=？}", "{s} 等于 [[]]。", 3.2, plain=True, follow=again("{e}")),
    Intent(divided, """
        {What is|What's|Find|Compute|Tell me} the {remainder|rest} of {a} divided by {b}{?|}
        {What is|What's|Find|Compute} the remainder {when|if} {a} is divided by {b}{?|}
        {a} {mod|modulo|%} {b}{?|}
        {What is|Compute} {a} {mod|modulo} {b}{?|}
        {What remains|What is left|How much is left} {when|if} {you|I} divide {a} by {b}?
        remainder of {a} / {b}
        {Divide|divide} {a} by {b} {and give me|what is} the remainder
    """, "print({a} % {b})", "The remainder of {a} divided by {b} is [[]].", "{a} 除以 {b} 的余数{是多少？|}\n{a}除以{b}余几？", "余数是 [[]]。", 1.5),
    Intent(divided, "Is {a} {divisible by|a multiple of} {b}?\n{Can|can} {a} be divided by {b}{ without {a |}remainder| evenly|}?\nDoes {b} divide {a}{ evenly|}?\n{Check|check} if {a} is divisible by {b}",
           "print({a} % {b} == 0)", "True, {a} is divisible by {b}.||False, {a} is not divisible by {b}.", "{a} 能被 {b} 整除吗？", "True，{a} 能被 {b} 整除。||False，{a} 不能被 {b} 整除。"),
    Intent(squares, "{What is|What's|how much is|} half {of |}{a}{?|}\n{Half|half} of {a}{?|}\nhalf of {a} {is|=}\n{Find|Compute|Give me|Take} half of {a}\n{Halve|halve} {a}", "print({a} / 2)", "Half of {a} is [[]].", "{a}的一半{是多少？|}", "{a} 的一半是 [[]]。", follow=again("{a} / 2")),
    Intent(squares, "{What is|What's|how much is|} {double|twice} {a}{?|}\n{Double|double|Twice|twice} {a}\n{Find|Compute} {twice|double} {a}", "print({a} * 2)", "Twice {a} is [[]].", "{a}的两倍是多少？", "{a} 的两倍是 [[]]。", 0.5),
    Intent(squares, "{What is|What's|how much is|} a {third|third} of {a}{?|}\n{a|one} third of {a}", "print({a} / 3)", "A third of {a} is [[]].", weight=0.5),
    Intent(squares, "{What is|What's|how much is|} {a|one} quarter of {a}{?|}\nthree quarters is too much, {what is|give me} a quarter of {a}", "print({a} / 4)", "A quarter of {a} is [[]].", weight=0.5),
    Intent(place, """
        {Round|round} {x} to {k~} {digits|decimals|decimal places|places}{ after the point|}
        {What is|What's} {x} rounded to {k~} {decimals|decimal places|digits|places}{?|}
        {x} {rounded to|with only|to} {k~} {decimals|decimal places|digits}
        {Give me|Write} {x} with {k~} {decimals|decimal places}
    """, "print(round({x}, {k}))", "Rounded it is [[]].", "把{x}{保留|四舍五入到}{k}位小数\n{x} 保留 {k} 位小数", "结果是 [[]]。", 1.2),
    Intent(place, "{Round|round} {x} to the nearest {whole number|integer|whole}\n{x} to the nearest {integer|whole number}\n{What is|} {x} rounded to a whole number{?|}", "print(round({x}))", "Rounded it is [[]]."),
    Intent(place, "{Round|round} {n} to the nearest {h}\n{What is|} {n} {rounded |}to the nearest {h}{?|}", "print(round({n} / {h}) * {h})", "Rounded to the nearest {h} it is [[]]."),
    Intent(place, "{Give me|What are|Show me|Print} {p} {digits|decimals} of pi{?|}\n{Round|round} pi to {p} {decimals|digits|decimal places}\n{What is|} pi to {p} {decimals|decimal places|digits}{?|}\npi with {p} digits", "import math\nprint(round(math.pi, {p}))", "Pi is about [[]].", "圆周率{精确到|保留}{p}位小数", "圆周率约为 [[]]。"),
]  # fmt: skip
SKILLS: dict[Skill, float] = {skill(RULES): 3.5, skill(POWERS): 6}
