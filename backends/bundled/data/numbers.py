"""Sums that Python does: arithmetic, powers, percentages, primes, what one number is."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

from random import Random

from backends.bundled.data.tasks import Skill, Task, phrase, stating

WHAT = "{What is|What's|Calculate|Compute|Work out|what is|calculate|Tell me|Find}"


def reckoned(
    r: Random,
    ask: str,
    code: str,
    answer: str,
    follow: tuple[Task, ...] = (),
    broken: str | None = None,
) -> Task:
    return Task(ask, stating(r, answer), "python", code, follow=follow, broken=broken)


def arithmetic(r: Random) -> Task:
    a, b, c = (
        r.choice([r.randint(2, 20), r.randint(10, 999), r.randint(100, 9999)]) for _ in "abc"
    )
    said, code = r.choice(
        [
            (f"{a} * {b}", f"{a} * {b}"),
            (f"{a} times {b}", f"{a} * {b}"),
            (f"{a} x {b}", f"{a} * {b}"),
            (f"{a}*{b}+{c}", f"{a} * {b} + {c}"),
            (f"({a} + {b}) * {c}", f"({a} + {b}) * {c}"),
            (f"{a} + {b} - {c}", f"{a} + {b} - {c}"),
            (f"{a} plus {b}", f"{a} + {b}"),
            (f"{a} minus {b}", f"{a} - {b}"),
            (f"{a} divided by {b}", f"{a} / {b}"),
            (f"{a}/{b}", f"{a} / {b}"),
            (f"{a + 0.5} * {b}", f"{a + 0.5} * {b}"),
            (f"the product of {a}, {b} and {c}", f"{a} * {b} * {c}"),
            (f"the sum of {a}, {b} and {c}", f"{a} + {b} + {c}"),
            (f"the remainder of {a} divided by {b}", f"{a} % {b}"),
            (f"{a} mod {b}", f"{a} % {b}"),
        ]
    )
    if r.random() < 0.2:
        plain = (
            said
            if said.isascii() and not any(w in said for w in ("the", "times", "plus"))
            else code
        )
        ask = phrase(r, "{计算|用 Python 算|算一下|请计算|}{p}{等于多少？||是多少？}", p=plain)
        return reckoned(r, ask, f"print({code})", f"{plain} 等于 [[]]。")
    ask = phrase(r, WHAT + " {s}{?|}", s=said)
    follow: tuple[Task, ...] = ()
    if r.random() < 0.3:
        d = r.randint(2, 50)
        word, sign = r.choice([("plus", "+"), ("minus", "-"), ("times", "*"), ("divided by", "/")])
        again = phrase(r, "{And|and|Now|What is|what about} that {w} {d}?", w=word, d=d)
        follow = (reckoned(r, again, f"print(({code}) {sign} {d})", f"That {word} {d} is [[]]."),)
    return reckoned(r, ask, f"print({code})", f"{said[0].upper()}{said[1:]} is [[]].", follow)


def power(r: Random) -> Task:
    a, b = r.choice(
        [
            (r.randint(2, 12), r.randint(3, 90)),
            (2, r.randint(10, 200)),
            (r.randint(11, 99), r.randint(2, 12)),
        ]
    )
    if r.random() < 0.3:
        ask = phrase(
            r,
            "{用 Python 算|用 Python 计算|计算|算一下|请算出|帮我算}{ |}{a}{ |}的{ |}{b}{ |}次方{是多少|}",
            a=a,
            b=b,
        )
        return reckoned(r, ask, f"print({a}**{b})", f"{a} 的 {b} 次方是 [[]]。")
    ask = phrase(r, WHAT + " {{a} to the power {of |}{b}|{a}^{b}|{a}**{b}|{a} to the {b}th power|"
                 "the {b}th power of {a}}{?|}{ Use Python.||}", a=a, b=b)  # fmt: skip
    follow: tuple[Task, ...] = ()
    if r.random() < 0.25:
        c = r.randint(3, 99)
        follow = (
            reckoned(
                r,
                phrase(r, "{And|and|what about} to the power {c}?", c=c),
                f"print({a}**{c})",
                f"{a} to the power {c} is [[]].",
            ),
        )
    return reckoned(r, ask, f"print({a}**{b})", f"{a} to the power {b} is [[]].", follow)


def percent(r: Random) -> Task:
    p = r.choice([5, 8, 10, 12, 15, 17.5, 18, 20, 25, 30, 35, 40, 60, 75, r.randint(1, 99)])
    n = r.choice([r.randint(20, 400), r.randint(100, 9000), r.randint(10, 99) + 0.5])
    m = r.randint(2, 19) * 10
    ask, code, answer = r.choice(
        [
            (WHAT + " {p}{%| percent} of {n}{?|}", f"print({n} * {p} / 100)", f"{p}% of {n} is [[]]."),
            ("{A bill is|The bill is} {n}. How much is a {p}% tip?", f"print(round({n} * {p} / 100, 2))",
             "The tip is [[]]."),
            ("{Split|Divide} a bill of {n} with {a |}{p}% tip among {k} people{.|}",
             f"print(round({n} * (1 + {p} / 100) / {m // 10}, 2))", "Each pays [[]]."),
            ("{A jacket|A phone|A book|Something} costs {n} and is {p}% off. {What is the price now|What do I pay}?",
             f"print(round({n} * (1 - {p} / 100), 2))", "The price is [[]]."),
            ("{Add|add} {p}% tax to {n}", f"print(round({n} * (1 + {p} / 100), 2))", "With tax it is [[]]."),
            ("{What percentage of {n} is {m}|{m} is what percent of {n}}?", f"print(round({m} / {n} * 100, 2))",
             f"{m} is [[]]% of {n}."),
            ("{A price|It} rose from {m} to {n}. By {how many|what} percent?",
             f"print(round(({n} - {m}) / {m} * 100, 2))", "It changed by [[]]%."),
            ("{n} 的 {p}% 是多少？", f"print({n} * {p} / 100)", f"{n} 的 {p}% 是 [[]]。"),
        ]
    )  # fmt: skip
    return reckoned(r, phrase(r, ask, p=p, n=n, m=m, k=m // 10), code, answer)


def interest(r: Random) -> Task:
    amount, rate, years = (
        r.randint(1, 200) * 100,
        r.choice([1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8]),
        r.randint(2, 30),
    )
    ask = phrase(
        r,
        "{How much is|What will|What is} {a} {become |worth |}{at|with} {p}% {interest|compound interest|a year} "
        "{after|for|over} {y} years{?|, compounded yearly?}",
        a=amount, p=rate, y=years,
    )  # fmt: skip
    return reckoned(r, ask, f"print(round({amount} * (1 + {rate} / 100) ** {years}, 2))",
                    f"After {years} years it is [[]].")  # fmt: skip


FIRST_PRIMES = (
    "primes = []\nn = 2\nwhile len(primes) < {n}:\n    if all(n % p for p in primes):\n"
    "        primes.append(n)\n    n += 1\n"
)
BELOW = "primes = [n for n in range(2, {n}) if all(n % d for d in range(2, int(n**0.5) + 1))]\n"


def primes(r: Random) -> Task:
    n = r.choice(
        [
            5,
            8,
            10,
            12,
            15,
            20,
            25,
            30,
            40,
            50,
            60,
            75,
            80,
            120,
            150,
            200,
            250,
            300,
            r.randint(5, 400),
        ]
    )
    m = r.choice([20, 30, 50, 60, 100, 200, 500, 1000, r.randint(10, 2000)])
    kind = r.choice(
        ["sum", "sum", "sum", "list", "nth", "below", "count", "sum below", "zh", "zh list"]
    )
    first, below = FIRST_PRIMES.replace("{n}", str(n)), BELOW.replace("{n}", str(m))
    follow: tuple[Task, ...] = ()
    if kind == "sum":
        ask = phrase(r, "{{What is|What's|Find|Compute|Calculate|Tell me} the sum of|{Sum|Add up|add}} "
                     "the first {n} {primes|prime numbers}{?|}", n=n)  # fmt: skip
        if r.random() < 0.4:
            k = r.choice([5, 10, 20, 50, 200, 500])
            follow = (reckoned(r, phrase(r, "{And|and|What about|and of} the first {k}?", k=k),
                               FIRST_PRIMES.replace("{n}", str(k)) + "print(sum(primes))",
                               f"The sum of the first {k} primes is [[]]."),)  # fmt: skip
        return reckoned(
            r,
            ask,
            first + "print(sum(primes))",
            f"The sum of the first {n} primes is [[]].",
            follow,
        )
    if kind == "list":
        n = min(n, 20)
        ask = phrase(
            r, "{List|Show|Give me|Print|What are} the first {n} {primes|prime numbers}{.|}", n=n
        )
        return reckoned(r, ask, FIRST_PRIMES.replace("{n}", str(n)) + "print(primes)",
                        f"The first {n} primes are [[]].")  # fmt: skip
    if kind == "nth":
        ask = phrase(r, "{What is|Find|Compute} the {n}th prime{ number|}{?|}", n=n)
        return reckoned(r, ask, first + "print(primes[-1])", f"The {n}th prime is [[]].")
    if kind == "below":
        m = min(m, 60)
        ask = phrase(
            r,
            "{List|Which are|Show|What are} {the|all} primes {below|under|less than} {m}{.|}",
            m=m,
        )
        return reckoned(
            r,
            ask,
            BELOW.replace("{n}", str(m)) + "print(primes)",
            f"The primes below {m} are [[]].",
        )
    if kind == "count":
        ask = phrase(
            r, "How many {primes|prime numbers} are {there |}{below|under|less than} {m}?", m=m
        )
        return reckoned(r, ask, below + "print(len(primes))", f"There are [[]] primes below {m}.")
    if kind == "sum below":
        ask = phrase(
            r, "{Sum|Add|What is the sum of} {all|the} primes {below|under|less than} {m}{?|}", m=m
        )
        return reckoned(
            r, ask, below + "print(sum(primes))", f"The sum of the primes below {m} is [[]]."
        )
    if kind == "zh":
        ask = phrase(r, "{前{n}个{质数|素数}的和是多少？|求前 {n} 个{质数|素数}之和}", n=n)
        return reckoned(r, ask, first + "print(sum(primes))", f"前 {n} 个质数的和是 [[]]。")
    m = min(m, 60)
    ask = phrase(r, "{列出|找出} {m} 以内的{质数|素数}", m=m)
    return reckoned(
        r, ask, BELOW.replace("{n}", str(m)) + "print(primes)", f"{m} 以内的质数是 [[]]。"
    )


def one_number(r: Random) -> Task:
    n, small = r.choice([r.randint(10, 999), r.randint(1000, 99999)]), r.randint(4, 40)
    a, b = r.randint(2, 60) * r.randint(2, 9), r.randint(2, 60) * r.randint(2, 9)
    i = "import math\n"
    ask, code, answer = r.choice(
        [
            ("Is {n} {a prime|prime|a prime number}?",
             f"n = {n}\nprint(n > 1 and all(n % d for d in range(2, int(n**0.5) + 1)))", f"Is {n} prime? [[]]."),
            (WHAT + " the {square root|sqrt} of {n}{?|}", f"{i}print(math.sqrt({n}))", f"The square root of {n} is [[]]."),
            (WHAT + " {the factorial of {s}|{s}!|{s} factorial}{?|}", f"{i}print(math.factorial({small}))", f"{small}! is [[]]."),
            (WHAT + " the {gcd|greatest common divisor} of {a} and {b}{?|}", f"{i}print(math.gcd({a}, {b}))",
             f"The greatest common divisor of {a} and {b} is [[]]."),
            (WHAT + " the {lcm|least common multiple} of {a} and {b}{?|}", f"{i}print(math.lcm({a}, {b}))",
             f"The least common multiple of {a} and {b} is [[]]."),
            (WHAT + " the sum of the digits of {n}{?|}", f'print(sum(int(d) for d in str({n})))', f"The digits of {n} add up to [[]]."),
            ("{What are|List|Find} the {divisors|factors} of {a}{?|}", f"print([d for d in range(1, {a} + 1) if {a} % d == 0])",
             f"The divisors of {a} are [[]]."),
            ("{What are|Find} the prime factors of {n}{?|}|Factor{ise|ize|} {n}",
             f"n, d, factors = {n}, 2, []\nwhile n > 1:\n    while n % d == 0:\n        factors.append(d)\n        n //= d\n    d += 1\nprint(factors)",
             f"The prime factors of {n} are [[]]."),
            ("{What is|Write|Convert} {n} {in binary|to binary|as a binary number}{?|}", f"print(bin({n})[2:])", f"{n} in binary is [[]]."),
            ("{What is|Write|Convert} {n} {in hex|to hexadecimal|in hexadecimal}{?|}", f"print(hex({n})[2:])", f"{n} in hexadecimal is [[]]."),
            ("{What is|Convert} {h} (hex) {in|to} decimal{?|}", f'print(int("{n:x}", 16))', f"{n:x} is [[]] in decimal."),
            ("{What is|Convert} {bin} {from binary |}{in|to} decimal{?|}", f'print(int("{small:b}", 2))', f"{small:b} is [[]] in decimal."),
            (WHAT + " the {natural logarithm|natural log} of {n}{?|}", f"{i}print(math.log({n}))", f"The natural logarithm of {n} is [[]]."),
            (WHAT + " {the sine of {a} degrees|sin({a}°)}{?|}", f"{i}print(math.sin(math.radians({a})))", f"The sine of {a} degrees is [[]]."),
            ("{How many ways are there to choose|In how many ways can I choose} {k} {of|from} {s} {people|things|cards}?",
             f"{i}print(math.comb({small}, {small // 3 + 1}))", "There are [[]] ways."),
            (WHAT + " the cube root of {n}{?|}", f"print({n} ** (1 / 3))", f"The cube root of {n} is [[]]."),
            ("{Round|round} pi to {k} {decimals|digits}", f"{i}print(round(math.pi, {min(small // 3 + 1, 12)}))", "Pi is about [[]]."),
            ("{n} 的平方根是多少？", f"{i}print(math.sqrt({n}))", f"{n} 的平方根是 [[]]。"),
            ("{s}的阶乘是多少", f"{i}print(math.factorial({small}))", f"{small} 的阶乘是 [[]]。"),
            ("{n}是{质数|素数}吗？", f"n = {n}\nprint(n > 1 and all(n % d for d in range(2, int(n**0.5) + 1)))", f"{n} 是质数吗：[[]]。"),
            ("把{n}转换成二进制", f"print(bin({n})[2:])", f"{n} 的二进制是 [[]]。"),
        ]
    )  # fmt: skip
    slots = {
        "n": n,
        "s": small,
        "a": a,
        "b": b,
        "h": f"{n:x}",
        "bin": f"{small:b}",
        "k": min(small // 3 + 1, 12),
    }
    return reckoned(r, phrase(r, "{" + ask + "}", **slots), code, answer)


SKILLS: dict[Skill, float] = {
    arithmetic: 4, power: 2, percent: 2, interest: 0.7, primes: 3.5, one_number: 4,
}  # fmt: skip
