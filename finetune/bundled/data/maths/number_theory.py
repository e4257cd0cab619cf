"""Whole numbers: primes, divisors, factorials, choices, digits, bases, sequences."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

from random import Random

from finetune.bundled.data.intents import WHAT, Intent, Slots, skill
from finetune.bundled.data.tasks import Skill

P = "{primes|prime numbers}"


def counts(r: Random) -> Slots:
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
            500,
            r.randint(2, 400),
            r.randint(2, 30),
        ]
    )
    return {"n": n, "k": r.choice([5, 10, 20, 50, 100, 200, 500]), "m": r.randint(4, 24), "l": r.choice([10, 20, 40, 50, 60, 80, 100, r.randint(10, 120)]),
            "h": r.choice([30, 50, 60, 100, 200, 500, 1000, 10000, r.randint(20, 2000)])}  # fmt: skip


def numbers(r: Random) -> Slots:
    return {
        "n": r.choice(
            [
                r.randint(2, 99),
                r.randint(100, 999),
                r.randint(1000, 99999),
                r.choice([97, 101, 561, 1009, 7907, 104729, 91, 221, 2, 57]),
            ]
        ),
        "m": r.randint(2, 999),
    }


def of_two(r: Random) -> Slots:
    return {
        "n": r.choice([10, 20, 50, 100, r.randint(10, 90)]),
        "m": r.choice([100, 150, 200, r.randint(100, 200)]),
    }


FROM = "from sympy import "
PRIMES = [
    Intent(counts, f"""
        {WHAT} the sum of the first {{n~}} {P}{{?|}}
        {{Sum|Add|Add up|add up|sum|sum up|Total}} the first {{n~}} {P}
        {{sum|Sum|total}} of the first {{n~}} {P}{{?|}}
        {{What do the first|What is the total of the first}} {{n~}} {P} {{add up to|sum to|together}}?
        How much are the first {{n~}} {P} together?
        {{If I add|When you add}} the first {{n~}} {P}, what do {{I|you}} get?
        the first {{n~}} {P}, added {{up|together}}
        {{Use Python to|Write code to}} {{add|sum|find the sum of}} the first {{n~}} {P}
    """, FROM + "prime\nprint(sum(prime(i) for i in range(1, {n} + 1)))", "The sum of the first {n} primes is [[]].",
    """
        前{ |}{n}{ |}个{质数|素数}{的和|之和}{是多少？|等于多少？|}
        {求|计算|算一下|用 Python 算}前 {n} 个{质数|素数}{的和|之和}
        {把|请把}前{n}个{质数|素数}加起来
    """, "前 {n} 个质数的和是 [[]]。", 2.6, broken=("import prime\n", "import primes\n"),
    follow=(("{And|and|What about|And of|and for} the first {k}?\n{now|and} {k} of them", FROM + "prime\nprint(sum(prime(i) for i in range(1, {k} + 1)))", "The sum of the first {k} primes is [[]]."),)),
    Intent(counts, f"""
        {{List|Show|Show me|Give me|Print|Name|Write down|Generate}} the first {{m~}} {P}
        {{What|Which}} are the first {{m~}} {P}?
        the first {{m~}} {P}{{?| please}}
        first {{m~}} {P}
        {{I need|Make a list of|Can I have}} the first {{m~}} {P}
        {{m~}} {P}, starting {{at|from|with}} 2
    """, FROM + "prime\nprint([prime(i) for i in range(1, {m} + 1)])", "The first {m} primes are [[]].", "{列出|写出|给出}前{m}个{质数|素数}\n前{m}个{质数|素数}是{哪些|什么}？", "前 {m} 个质数是 [[]]。", 1.4),
    Intent(counts, """
        {What is|What's|Find|Compute|Tell me|Give me} the {n#} prime{ number|}{?|}
        {which|Which} {number |prime |}is the {n#} prime{ number|}?
        {n#} prime{ number|}{?|}
        {prime number|prime} {number |no. |#|}{n}{?|}
        {What is|} prime number {n} in the list of primes{?|}
    """, FROM + "prime\nprint(prime({n}))", "The {n#} prime is [[]].", "第{ |}{n}{ |}个{质数|素数}是{多少|什么|几}？", "第 {n} 个质数是 [[]]。", 1.4,
    follow=(("{And|and|What about} the {k#}?", FROM + "prime\nprint(prime({k}))", "The {k#} prime is [[]]."),)),
    Intent(counts, f"""
        {{List|Show|Show me|Give me|Print|Find}} {{the|all|all the}} {P} {{below|under|less than|smaller than}} {{l}}
        {{What|Which}} are {{the|all the|all}} {P} {{below|under|less than}} {{l}}?
        {{all|All the}} {P} {{below|under|smaller than}} {{l}}
        Which {P} are {{below|less than|smaller than|under}} {{l}}?
        Which numbers {{below|under}} {{l}} are prime?
    """, FROM + "primerange\nprint(list(primerange({l})))", "The primes below {l} are [[]].", "{列出|找出|写出}小于{l}的{所有|}{质数|素数}\n小于 {l} 的{质数|素数}有哪些？", "小于 {l} 的质数是 [[]]。", 1.2),
    Intent(counts, f"""
        {{List|Show|Show me|Give me|Print|Find}} {{the|all|all the}} {P} {{up to|to|from 1 to|from 2 to|until}} {{l}}
        {{What|Which}} are {{the|all the|all}} {P} {{up to|from 1 to|to}} {{l}}?
        {P} up to {{l}}
        Which numbers {{up to|from 1 to}} {{l}} are prime?
    """, FROM + "primerange\nprint(list(primerange({l} + 1)))", "The primes up to {l} are [[]].", "{列出|找出|写出}{l}以内的{所有|}{质数|素数}\n1到{l}之间的{质数|素数}有哪些？", "{l} 以内的质数是 [[]]。", 1.2),
    Intent(of_two, f"""
        {{List|Show|Show me|Give me|Print|Find}} {{the|all|all the}} {P} {{between|from}} {{n}} {{and|to}} {{m}}
        {{What|Which}} {P} {{are there|lie|are}} between {{n}} and {{m}}?
    """, FROM + "primerange\nprint(list(primerange({n}, {m} + 1)))", "The primes between {n} and {m} are [[]].", "{n}到{m}之间有哪些{质数|素数}？", "它们是 [[]]。", 0.7),
    Intent(counts, f"""
        How many {P} {{are there |are |do we have |exist |lie |}}{{below|under|less than|smaller than}} {{h}}?
        {{Count|count}} {{the|all}} {P} {{below|under|less than}} {{h}}
        {{What is|Find}} the number of {P} {{below|under|less than}} {{h}}{{?|}}
        {{number|count}} of {P} {{below|under}} {{h}}
        How many numbers {{below|under}} {{h}} are prime?
    """, FROM + "primerange\nprint(len(list(primerange({h}))))", "There are [[]] primes below {h}.", "小于{h}的{质数|素数}有{多少|几}个？", "小于 {h} 的质数有 [[]] 个。", 1.4,
    follow=(("{And|and|What about} {below|under} {k}?", FROM + "primerange\nprint(len(list(primerange({k}))))", "There are [[]] primes below {k}."),)),
    Intent(counts, f"""
        How many {P} {{are there |are |exist |}}{{up to|from 1 to|between 1 and}} {{h}}?
        {{Count|count}} {{the|all}} {P} {{up to|from 1 to}} {{h}}
        How many numbers {{up to|from 1 to}} {{h}} are prime?
    """, FROM + "primerange\nprint(len(list(primerange({h} + 1))))", "There are [[]] primes up to {h}.", "{h}以内有{多少|几}个{质数|素数}？", "{h} 以内有 [[]] 个质数。", 0.8),
    Intent(counts, f"""
        {WHAT} the sum of {{all |the |all the |}}{P} {{below|under|less than|smaller than}} {{h}}{{?|}}
        {{Sum|Add|Add up|sum}} {{all |the |all the }}{P} {{below|under|less than}} {{h}}
        {{sum|total}} of {{the |all |}}{P} {{below|under}} {{h}}
    """, FROM + "primerange\nprint(sum(primerange({h})))", "The sum of the primes below {h} is [[]].", "小于{h}的{所有|}{质数|素数}{的和|之和}是多少？", "和是 [[]]。"),
    Intent(counts, f"""
        {WHAT} the sum of {{all |the |all the |}}{P} {{up to|from 1 to|from 2 to}} {{h}}{{?|}}
        {{Sum|Add|Add up|sum}} {{all |the |all the }}{P} {{up to|from 1 to}} {{h}}
    """, FROM + "primerange\nprint(sum(primerange({h} + 1)))", "The sum of the primes up to {h} is [[]].", "{h}以内{所有|}{质数|素数}{的和|之和}是多少？", "和是 [[]]。", 0.7),
    Intent(numbers, """
        {Is|is} {n} {a prime|prime|a prime number|prime or not|a prime}?
        {Is|is} the number {n} {prime|a prime}?
        {Check|check|Test|Find out|Tell me} {if|whether} {n} is {prime|a prime|a prime number}
        {n} prime?
        {prime or not|Prime or not}: {n}
        {I wonder if|Do you know if|I'd like to know whether} {n} is {a prime|prime|a prime number}
    """, FROM + "isprime\nprint(isprime({n}))", "True, {n} is prime.||False, {n} is not prime.", "{n}{ |}是{质数|素数}吗？\n{判断|检查} {n} 是不是{质数|素数}\n{n}是不是{质数|素数}？", "True，{n} 是质数。||False，{n} 不是质数。", 2.2,
    follow=(("{And|and|What about} {m}?", FROM + "isprime\nprint(isprime({m}))", "True, {m} is prime.||False, {m} is not prime."),)),
    Intent(numbers, """
        {What is|Find|Which is|What's} the {next prime|first prime|smallest prime} {after|above|bigger than|greater than} {n}{?|}
        next prime after {n}
    """, FROM + "nextprime\nprint(nextprime({n}))", "The next prime after {n} is [[]].", "{n}之后的下一个{质数|素数}是多少？", "下一个质数是 [[]]。", 0.6),
]  # fmt: skip


def composite(r: Random) -> Slots:
    g = r.randint(2, 30)
    a, b = g * r.randint(1, 20), g * r.randint(1, 20)
    n = r.choice(
        [
            r.randint(6, 100),
            r.randint(2, 12) * r.randint(2, 40),
            r.choice([12, 24, 48, 60, 72, 96, 100, 120, 144, 180, 240, 500, 1000, 720]),
        ]
    )
    return {
        "a": a,
        "b": b,
        "c": g * r.randint(2, 9),
        "n": n,
        "big": r.choice([n, n * r.randint(2, 30), r.randint(100, 9999)]),
    }


def picks(r: Random) -> Slots:
    n = r.randint(4, 30)
    k = r.randint(2, max(2, min(n - 1, 7)))
    things = r.choice(
        [
            "people",
            "cards",
            "books",
            "players",
            "students",
            "colours",
            "toppings",
            "flowers",
            "friends",
            "questions",
        ]
    )
    return {
        "n": n,
        "k": k,
        "t": things,
        "f": r.choice([r.randint(3, 12), r.randint(8, 40), 50, 100]),
    }


def things_plain(r: Random) -> Slots:
    n = r.choice(
        [
            r.randint(2, 99),
            r.randint(10, 999),
            r.randint(1000, 99999),
            r.choice([16, 64, 128, 200, 256, 1000, 1024, 42, 100]),
        ]
    )
    m = r.choice([r.randint(2, 60), r.randint(10, 300)])
    return {
        "n": n,
        "bin": f"{m:b}",
        "hex": r.choice([f"{n:x}", f"{n:X}"]),
        "oct": f"{n:o}",
        "dig": r.choice([n, r.randint(1000, 9999999)]),
        "rom": r.randint(1, 3000),
    }


INTEGERS = [
    Intent(composite, """
        {What is|What's|Find|Compute|Tell me} the {gcd|GCD|greatest common divisor|greatest common factor|highest common factor|gcf} of {a} and {b}{?|}
        {gcd|GCD|gcf|hcf|greatest common divisor|Greatest common factor} of {a} and {b}{?|}
        gcd({a}, {b}){?|}
        {gcd|GCD} {a} {b}
        {Which|What} is the {largest|biggest} number that divides {both |}{a} and {b}?
    """, "import math\nprint(math.gcd({a}, {b}))", "The greatest common divisor of {a} and {b} is [[]].", "{求|} {a} 和 {b} 的最大公约数{是多少？|}", "{a} 和 {b} 的最大公约数是 [[]]。", 1.4,
    follow=(("{And|and} the {lcm|least common multiple}?", "import math\nprint(math.lcm({a}, {b}))", "The least common multiple of {a} and {b} is [[]]."),)),
    Intent(composite, """
        {What is|What's|Find|Compute} the {lcm|LCM|least common multiple|lowest common multiple|smallest common multiple} of {a} and {b}{?|}
        {lcm|LCM|least common multiple} of {a} and {b}{?|}
        lcm({a}, {b}){?|}
        {lcm|LCM} {a} {b}
        {Which|What} is the smallest number {divisible by both|that both divide:} {a} and {b}?
    """, "import math\nprint(math.lcm({a}, {b}))", "The least common multiple of {a} and {b} is [[]].", "{求|} {a} 和 {b} 的最小公倍数{是多少？|}", "{a} 和 {b} 的最小公倍数是 [[]]。", 1.4,
    follow=(("{And|and} the {gcd|greatest common divisor}?", "import math\nprint(math.gcd({a}, {b}))", "The greatest common divisor of {a} and {b} is [[]]."),)),
    Intent(composite, """
        {What are|List|Find|Show me|Give me|Show|Name} {the|all|all the} {divisors|factors} of {n}{?|}
        {divisors|factors|Factors|Divisors} of {n}{?|}
        {Which|What} numbers {divide|go into} {n}{ evenly|}?
        By which numbers can {n} be divided?
        {What|Which} are the numbers that divide {n}?
    """, FROM + "divisors\nprint(divisors({n}))", "The divisors of {n} are [[]].", "{列出|求|} {n} 的{所有|}{因数|约数}\n{n} 的{因数|约数}有哪些？", "{n} 的因数有 [[]]。", 1.4),
    Intent(composite, "How many {divisors|factors} does {n} have?\n{Count|count} the {divisors|factors} of {n}\nnumber of divisors of {n}", FROM + "divisors\nprint(len(divisors({n})))", "{n} has [[]] divisors.", weight=0.6),
    Intent(composite, """
        {What are|Find|List|Show me} the prime factors of {big}{?|}
        {Factor|Factorise|Factorize|factor|factorize|Decompose} {big}{ into primes| into prime factors|}
        {prime|Prime} {factorization|factorisation|factors|decomposition} of {big}{?|}
        {What is|Find|Give me} the prime {factorization|factorisation} of {big}{?|}
        {Write|Express} {big} as a product of primes
        {Break|Split} {big} {into|down into} {its |}prime factors
    """, FROM + "factorint\nprint(factorint({big}, multiple=True))", "The prime factors of {big} are [[]].", "{把|将} {big} 分解{质因数|素因数}\n{big} 的质因数{有哪些|是什么}？", "{big} 的质因数是 [[]]。", 1.5),
    Intent(picks, """
        {What is|What's|Compute|Calculate|Find|How much is} {f}!{?|}
        {f}!{| =| = ?}
        {What is|What's|Find|Compute|Tell me} the factorial of {f}{?|}
        {f} factorial{?|}
        {What is|Compute} {f} factorial{?|}
        factorial of {f}
        factorial({f})
        How {big|large} is {f}!{?|}
    """, "import math\nprint(math.factorial({f}))", "{f}! is [[]].", "{f}{ |}的阶乘{是多少？|等于多少？|}\n{求|计算|用 Python 算} {f} 的阶乘\n{f}! 等于多少？", "{f} 的阶乘是 [[]]。", 1.8),
    Intent(picks, """
        {How many ways are there|In how many ways is it possible} to {choose|pick|select} {k~} {t} {from|of|out of} {n}?
        {In how many ways|How many ways} can {I|you|we} {choose|pick|select|take} {k~} {of|from|out of} {n} {t}?
        How many {groups|teams|sets} of {k~} can be {made|formed|chosen} from {n} {t}?
        {What is|Compute} {{n} choose {k}|C({n}, {k})|the binomial coefficient {n} over {k}}{?|}
        {n} choose {k}
        number of combinations of {k} out of {n}
        How many combinations of {k~} {t} {are there |}out of {n}?
    """, "import math\nprint(math.comb({n}, {k}))", "There are [[]] ways.", "从{n}个{人|}中选{k}个有多少种{方法|选法}？\nC({n}, {k}) 等于多少？", "有 [[]] 种。", 1.4),
    Intent(picks, """
        {In how many|How many} {ways|orders} can {k~} {t} be {arranged|lined up|ordered|put in a row}?
        How many {ways to arrange|orders for|permutations of} {k~} {t}{ are there|}?
        How many permutations {do|of} {k~} things {have|are there}?
    """, "import math\nprint(math.factorial({k}))", "There are [[]] ways.", weight=0.8),
    Intent(things_plain, """
        {What is|What's|Find|Compute} the {sum of the digits|digit sum} of {dig}{?|}
        {sum of the digits|digit sum|Digit sum} of {dig}{?|}
        {Add|Add up|Sum} {the|all the} digits of {dig}
        What do the digits of {dig} add up to?
    """, "print(sum(int(d) for d in str({dig})))", "The digits of {dig} add up to [[]].", "{dig} 的各位数字之和是多少？", "{dig} 的各位数字之和是 [[]]。", 1.2, plain=True),
    Intent(picks, "How many digits {does|has} {f}!{ have|}?\nHow many digits are in {f} factorial?", "import math\nprint(len(str(math.factorial({f}))))", "{f}! has [[]] digits.", weight=0.4),
    Intent(picks, "How many digits {does|has} {k}{^|**}{f}{ have|}?\nHow many digits are {there |}in {k} to the power {of |}{f}?", "print(len(str({k}**{f})))", "It has [[]] digits.", weight=0.5),
    Intent(things_plain, """
        {What is|Write|Convert|Show|Express|Turn} {n} {in|to|into|as} binary{?|}
        {n} {in|to|as} binary{?|}
        {What is|Find|Give me} the binary {form|representation|of} {of |}{n}{?|}
        {Write|Give me} {n} as a binary number
        binary of {n}
        {Convert|Change} the {decimal |}number {n} to {binary|base 2}
    """, "print(bin({n})[2:])", "{n} in binary is [[]].", "{把|将}{ |}{n}{ |}{转换成|转成|写成|变成}二进制{数|}\n{n} 的二进制是{多少|什么}？", "{n} 的二进制是 [[]]。", 1.3, plain=True),
    Intent(things_plain, """
        {What is|Write|Convert|Show|Express|Turn} {n} {in|to|into|as} {hex|hexadecimal}{?|}
        {n} {in|to|as} {hex|hexadecimal}{?|}
        {What is|Find} the {hex|hexadecimal} {form|representation|value} of {n}{?|}
        {Convert|Change} the {decimal |}number {n} to {hex|base 16|hexadecimal}
    """, "print(hex({n})[2:])", "{n} in hexadecimal is [[]].", "{把|将}{n}{转换成|转成|写成}十六进制\n{n} 的十六进制是多少？", "{n} 的十六进制是 [[]]。", 1.3, plain=True),
    Intent(things_plain, "{What is|Write|Convert} {n} {in|to|into} octal{?|}\n{n} in octal{?|}", "print(oct({n})[2:])", "{n} in octal is [[]].", weight=0.4, plain=True),
    Intent(things_plain, """
        {What is|Convert} {the |}binary {number |}{bin} {in|to|as} {a |}decimal{ number|}{?|}
        {What is|Convert} {bin} {from binary |(binary) }{in|to|as} decimal{?|}
        {Convert|Turn} {bin} from binary to decimal
        {which|Which|What} {decimal |}number is binary {bin}?
        binary {bin} {in|to} decimal
        {bin} in base 2 is which {decimal |}number?
    """, 'print(int("{bin}", 2))', "{bin} is [[]] in decimal.", "二进制{数|} {bin} {等于|是}{十进制的|}多少？\n把二进制 {bin} 转换成十进制", "{bin} 等于十进制的 [[]]。", 1.3, plain=True),
    Intent(things_plain, """
        {What is|Convert} {the |}hex {number |}{hex} {in|to|as} {a |}decimal{ number|}{?|}
        {What is|Convert} {{hex} (hex)|0x{hex}|{hex} from hex|hexadecimal {hex}} {in|to} decimal{?|}
        hex {hex} {in|to} decimal
    """, 'print(int("{hex}", 16))', "{hex} is [[]] in decimal.", "十六进制 {hex} 等于十进制多少？", "{hex} 等于十进制的 [[]]。", plain=True),
    Intent(things_plain, """
        {What is|Write|Convert|Show} {rom} {in|to|as} {R|r}oman numerals{?|}
        {rom} {in|as} {R|r}oman {numerals|numbers}{?|}
        {What is|} the Roman numeral for {rom}{?|}
    """, 'n, roman = {rom}, ""\nfor value, letter in zip([1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1], "M CM D CD C XC L XL X IX V IV I".split()):\n    roman += letter * (n // value)\n    n %= value\nprint(roman)', "{rom} in Roman numerals is [[]].", weight=0.7, plain=True),
]  # fmt: skip
SKILLS: dict[Skill, float] = {skill(PRIMES): 4.5, skill(INTEGERS): 5}
