"""Requests that are answered without a call, and requests that no offered tool can do."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random

from finetune.bundled.data.tasks import Task, arguments, phrase, said
from finetune.bundled.data.tools import drawing, places
from finetune.bundled.data.tools.browsing import BROWSER
from finetune.bundled.data.unseen import unseen


def lines(name: str) -> list[str]:
    """The lines of a text file in this folder, without comments."""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("#")]


TALK = lines("talk.txt")
FACTS = [line.split(" = ") for line in lines("facts.txt")]
CAPITALS = [line.split(" ") for line in lines("capitals.txt")]
REFUSALS, NEWS = lines("refusals.txt"), lines("news.txt")

OPPOSITES = {"hot": "cold", "early": "late", "rich": "poor", "open": "closed", "light": "dark", "fast": "slow", "high": "low",
             "old": "young", "strong": "weak", "full": "empty", "happy": "sad", "wide": "narrow", "dry": "wet", "loud": "quiet",
             "cheap": "expensive", "easy": "difficult", "to win": "to lose", "always": "never", "left": "right"}  # fmt: skip
SYNONYMS = {"big": "large", "fast": "quick", "smart": "clever", "begin": "start", "sad": "unhappy", "angry": "furious",
            "beautiful": "lovely", "small": "little", "strange": "odd", "difficult": "hard", "rich": "wealthy", "end": "finish",
            "brave": "courageous", "funny": "amusing", "tired": "weary", "quiet": "silent"}  # fmt: skip
MEANINGS = {"eager": "wanting something very much", "rare": "not often found", "huge": "very large", "vague": "not clear",
            "brief": "short in time", "honest": "telling the truth", "ancient": "very old", "generous": "glad to give",
            "famous": "known by many people", "stubborn": "not willing to change one's mind", "timid": "shy and easily afraid",
            "to postpone": "to move to a later time", "to hesitate": "to wait before one acts", "to vanish": "to disappear"}  # fmt: skip
WORDS = {"French": {"good morning": "bonjour", "thank you": "merci", "cat": "chat", "house": "maison", "bread": "pain", "water": "eau"},
         "German": {"good morning": "guten Morgen", "thank you": "danke", "cat": "Katze", "house": "Haus", "bread": "Brot", "water": "Wasser"},
         "Spanish": {"good morning": "buenos días", "thank you": "gracias", "cat": "gato", "house": "casa", "bread": "pan", "water": "agua"},
         "Italian": {"good morning": "buongiorno", "thank you": "grazie", "cat": "gatto", "house": "casa", "bread": "pane", "water": "acqua"}}  # fmt: skip
WORKS = {"Faust": "Goethe", "Macbeth": "William Shakespeare", "Don Quixote": "Miguel de Cervantes", "War and Peace": "Leo Tolstoy",
         "Pride and Prejudice": "Jane Austen", "Oliver Twist": "Charles Dickens", "Moby Dick": "Herman Melville", "1984": "George Orwell",
         "The Odyssey": "Homer", "Frankenstein": "Mary Shelley", "Les Misérables": "Victor Hugo", "Crime and Punishment": "Fyodor Dostoevsky",
         "The Old Man and the Sea": "Ernest Hemingway", "Robinson Crusoe": "Daniel Defoe", "Alice in Wonderland": "Lewis Carroll"}  # fmt: skip
ELEMENTS = {
    "gold": "Au",
    "iron": "Fe",
    "oxygen": "O",
    "silver": "Ag",
    "sodium": "Na",
    "copper": "Cu",
    "carbon": "C",
    "helium": "He",
}
TONGUES = {
    "Brazil": "Portuguese",
    "Austria": "German",
    "Mexico": "Spanish",
    "Egypt": "Arabic",
    "Iran": "Persian",
    "Argentina": "Spanish",
}
MONEY = {
    "Japan": "the yen",
    "India": "the rupee",
    "Poland": "the zloty",
    "Spain": "the euro",
    "Mexico": "the peso",
    "China": "the yuan",
}


# Requests that a browser could answer.
SEARCHABLE = re.compile(
    r"(what|how|who|when|where|which|find|search|look|is|are|get|show|check|any)\b", re.IGNORECASE
)
# The app's tools, whose names never clash with a request.
APP_TOOLS = {"python", "simple_browser", "cogview", "convert_units", "current_time", "days_between", "add_to_date", "random_numbers",
         "weather"}  # fmt: skip
# Patterns of tool names, and of the requests that could be meant for such a tool.
CLASHES = [("transl|langu", "translat|how do|say|word for| in (French|German|Spanish|Italian)|speak|翻译|英语"),
           ("dict|defin|synonym|thesaur|word|mean|gramm|spell", "synonym|another word|opposite|mean|define|definition|correct|fix|proofread|plural|tense|词"),
           ("joke|fun|riddle|quote", "joke|funny|laugh|smile|riddle|fun fact|笑"), ("poem|story|text|write|draft|mail|message|generat", "write|compose|story|poem|draft|诗"),
           ("recipe|cook|food|dish|meal|nutri|restaurant", "cook|eat|dinner|recipe|breakfast|bake|rice|pancake|吃|菜"),
           ("wiki|search|fact|trivia|lookup|encyclop|country|capital|planet|element|currency|book|author|history|person", "what|who|when|where|which|how|capital|tell me|name|哪|谁|什么"),
           ("movie|film|book|game|travel|trip|gift|activit", "recommend|suggest|read|film|travel|holiday"), ("name|pet", "name")]  # fmt: skip


def clashes(ask: str, names: Sequence[str]) -> bool:
    """Whether the request could be meant for a made-up function among the tools."""
    strange = " ".join(name for name in names if name not in APP_TOOLS)
    return any(
        re.search(tool, strange, re.I) and re.search(words, ask, re.I) for tool, words in CLASHES
    )


def saying(r: Random, names: Sequence[str]) -> Task:
    """A request for talk or knowledge, answered without a call, that clashes with no tool."""
    made = _saying(r, names)
    while clashes(made.ask, names):
        made = _saying(r, names)
    return made


def _saying(r: Random, names: Sequence[str]) -> Task:
    kind = r.choices(["talk", "facts", "words", "places", "old"], [5, 2.2, 1.4, 1.2, 0.5])[0]
    if kind == "old":
        old = unseen.saying(r)
        return replace(old, ask=re.sub(" +", " ", old.ask).replace(" ?", "?"))
    if kind == "talk":
        request, _, answer = r.choice(TALK).partition(" => ")
        ask = phrase(r, request).replace(" ?", "?")
        return Task(ask, said(phrase(r, answer).replace("\\n", "\n")))
    if kind == "facts":
        thing, answer = r.choice(FACTS)
        person = (
            thing[0].isupper()
            and " is " not in answer
            and " was " in answer
            and "the " not in thing[:4]
        )
        person = person or answer.endswith(
            ("1843.", "prizes.", "selection.", "violence.", "Africa.")
        )
        ask = ("{{Who was|Tell me about|Who is|Do you know|What do you know about|Who exactly was|I'd like to know who} {t}{?|}}" if person else
               "{{What is|What's|Explain|Define|Tell me about|Can you explain|What does one mean by|Please explain|Describe|What exactly is|Explain to a child what|"
               "I don't know what|In one sentence, what is|Give a definition of|Do you know what} {t}{?|}}")  # fmt: skip
        asked = phrase(r, ask, t=thing)
        if asked.startswith(
            (
                "Explain to a child what",
                "I don't know what",
                "I'd like to know who",
                "Do you know what",
            )
        ):
            asked = f"{asked.rstrip('?')} {'was' if person else 'is'}{'?' if asked.startswith('Do') else ''}"
        return Task(asked, said(answer))
    if kind == "places":
        return place(r, names)
    ask, answer = r.choice([
        opposite(r), synonym(r), meaning(r), translation(r), author(r), element(r), tongue(r),
    ])  # fmt: skip
    return Task(ask, said(answer))


def place(r: Random, names: Sequence[str]) -> Task:
    """A question about a capital, with a follow-up on the time there."""
    country, city = r.choice(CAPITALS)
    if r.random() < 0.25:
        ask, answer = (
            f"{{In which country is|Where is|Which country is|Where does one find}} {city}{{?|}}",
            f"{city} is in {country}.",
        )
        ask = phrase(r, ask)
        if ask.startswith("Which country is"):
            ask = ask.rstrip("?") + " in?"
    else:
        ask = phrase(r, "{{What is|What's|Name|Tell me|Do you know|Which city is} the capital {city |}of {c}{?|}|{c}'s capital{?|}|Capital of {c}{?|}}",
                     c=country)  # fmt: skip
        answer = f"The capital of {country} is {city}."
    follow: tuple[Task, ...] = ()
    if "current_time" in names and city in places.CITIES and r.random() < 0.35:
        asked = phrase(
            r,
            "{{And what|What} time is it there{ now|}|What's the time there|and the time there}{?|}",
        )
        follow = (
            Task(
                asked,
                lambda seen: f"In {city} it is {places.clock(seen)}.",
                "current_time",
                arguments(zone=city),
            ),
        )
    elif "weather" in names and r.random() < 0.25:
        seen, spoken = places.look(r, city)
        asked = phrase(
            r,
            "{{And how|How} is the weather there{ now|}|What's the weather like there|Is it {cold|warm|raining} there}{?|}",
        )
        follow = (Task(asked, said(spoken), "weather", arguments(city=city), observation=seen),)
    elif r.random() < 0.3:
        other, city2 = r.choice(CAPITALS)
        follow = (
            Task(
                phrase(r, "{And|and|What about|And of} {c}?", c=other),
                said(f"The capital of {other} is {city2}."),
            ),
        )
    return Task(ask, said(answer), follow=follow)


Said = tuple[str, str]


def opposite(r: Random) -> Said:
    word, other = r.choice(list(OPPOSITES.items()))
    return phrase(
        r,
        "{{What is|What's|Tell me|Give me} the opposite of {q}{w}{q}{?|}|Opposite of {w}{?|}}",
        w=word,
        q=r.choice(['"', ""]),
    ), f"The opposite of {word} is {other}."


def synonym(r: Random) -> Said:
    word, other = r.choice(list(SYNONYMS.items()))
    return phrase(
        r,
        "{{What is|Give me|Tell me|Find} {a synonym|another word} {for|of} {w}{?|.|}|Which word means the same as {w}?}",
        w=word,
    ), f'Another word for "{word}" is "{other}".'


def meaning(r: Random) -> Said:
    word, other = r.choice(list(MEANINGS.items()))
    ask = phrase(
        r,
        "{What does {q}{w}{q} mean?|What is the meaning of {q}{w}{q}?|Explain the word {q}{w}{q}|Define {q}{w}{q}}",
        w=word,
        q=r.choice(['"', "", ""]),
    )
    return ask, f'"{word.capitalize()}" means {other}.'


def translation(r: Random) -> Said:
    language = r.choice(list(WORDS))
    word, other = r.choice(list(WORDS[language].items()))
    ask = phrase(
        r,
        "{{How do you say|How does one say|What is|Translate} {q}{w}{q} {in|into} {l}{?|}|What's the {l} word for {w}?|{w} in {l}{?|}}",
        w=word,
        l=language,
        q=r.choice(['"', ""]),
    )
    return ask, f'In {language} that is "{other}".'


def author(r: Random) -> Said:
    work, name = r.choice(list(WORKS.items()))
    return phrase(
        r,
        "{Who wrote|Who is the author of|By whom is|Which author wrote|Tell me who wrote} {w}{?|}",
        w=work,
    ), f"{name} wrote {work}."


def element(r: Random) -> Said:
    if r.random() < 0.5:
        name, symbol = r.choice(list(ELEMENTS.items()))
        return phrase(
            r, "{What is|What's} the {chemical |}symbol {for|of} {n}{?|}", n=name
        ), f"The symbol of {name} is {symbol}."
    country, money = r.choice(list(MONEY.items()))
    return phrase(
        r,
        "{{What|Which} currency {does {c} have|is used in {c}}|What is the currency of {c}|What money do they use in {c}}{?|}",
        c=country,
    ), f"The currency of {country} is {money}."


def tongue(r: Random) -> Said:
    country, language = r.choice(list(TONGUES.items()))
    return phrase(
        r,
        "{{What|Which} language {do they speak|is spoken} in {c}|What do people speak in {c}}{?|}",
        c=country,
    ), f"In {country} people speak {language}."


NONE_FITS = ["I can't {what}: none of my tools does that.", "I can't {what}: none of my tools does that.", "I have no tool to {what}.",
             "Sorry, I can't {what} here."]  # fmt: skip
NONE_FITS_ZH = "抱歉，我没有能做这件事的工具。"


def impossible(r: Random, today: date, names: Sequence[str]) -> Task:
    """A request that no offered tool can do."""
    words = {
        word
        for name in names
        if name not in APP_TOOLS
        for word in re.split(r"[_\W]+", name.lower())
    }
    while True:
        kind = r.choices(["refusals", "news", "pictures", "unseen"], [6, 1.5, 1.2, 2])[0]
        if kind == "unseen":
            made = unseen.impossible(r, today, list(names))
            named = {word for word in words if len(word) > 3} & set(
                re.split(r"\W+", made.ask.lower())
            )
            if named or (BROWSER.name in names and SEARCHABLE.match(made.ask)):
                continue
            return made
        if kind == "pictures":
            if drawing.COGVIEW.name not in names and not words & {
                "image",
                "picture",
                "draw",
                "paint",
                "art",
            }:
                return drawing.undrawable(r)
            continue
        if kind == "news" and BROWSER.name in names:
            continue
        request, what, able = (
            part.strip()
            for part in re.split(" => | \\| ", r.choice(NEWS if kind == "news" else REFUSALS))
        )
        if words & set(able.split()):
            continue
        answer = NONE_FITS_ZH if what == "zh" else r.choice(NONE_FITS).replace("{what}", what)
        return Task(phrase(r, request), said(answer))
