"""Tasks for the image tool, as distinct from plots."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

from datetime import date
from random import Random

from finetune.bundled.data.tasks import DatedSkill, Task, phrase, said
from tools.base import ToolSpec

COGVIEW = ToolSpec(
    "cogview",
    "Draw a picture from a description.",
    {"type": "object", "properties": {"prompt": {"type": "string"}}, "required": ["prompt"]},
    "prompt",
)

BEINGS = ["cat", "dog", "fox", "robot", "dragon", "horse", "owl", "penguin", "astronaut", "knight", "wizard", "mermaid", "bear", "rabbit",
          "elephant", "tiger", "snowman", "unicorn", "old man", "little girl", "pirate", "frog", "whale", "squirrel", "violinist"]  # fmt: skip
LOOKS = [
    "red",
    "blue",
    "tiny",
    "giant",
    "sleepy",
    "happy",
    "golden",
    "old",
    "sad",
    "striped",
    "flying",
    "dancing",
    "smiling",
    "fat",
    "lonely",
]
SPOTS = ["on the moon", "in a forest", "under the sea", "on a beach", "in the snow", "at night", "in a spaceship", "on a mountain",
         "in the rain", "on a bicycle", "with a hat", "in a library", "in space", "in a garden", "at sunset", "with an umbrella",
         "holding a balloon", "drinking tea", "playing chess", "reading a book", "in a busy street"]  # fmt: skip
SCENES = ["a sunset over the ocean", "a castle on a hill", "a city of the future", "a bowl of fruit", "a rainy street at night",
          "a mountain lake in autumn", "a field of sunflowers", "a wooden ship in a storm", "a quiet village in winter", "a birthday cake",
          "a steam train on a bridge", "a Japanese garden", "the skyline of a big city", "a lighthouse in the fog", "a bunch of tulips",
          "a desert with camels", "a treehouse", "a hot air balloon over a valley", "a cup of coffee on a table"]  # fmt: skip
STYLES = [
    "in watercolour",
    "as a pencil sketch",
    "in the style of Van Gogh",
    "as pixel art",
    "as a cartoon",
    "as an oil painting",
    "in black and white",
]
LOGOS = [
    "a bakery",
    "a coffee shop",
    "a chess club",
    "my band",
    "a bike shop",
    "a start-up",
    "a bookshop",
    "a football team",
]
SCENES_ZH = ["一只在月亮上的猫", "一条红色的龙", "海边的日落", "雪山下的小村庄", "一个会跳舞的机器人", "下雨的城市夜景", "一匹白马", "一只戴帽子的狗",
             "太空中的宇航员", "一座古老的城堡"]  # fmt: skip


def scene(r: Random) -> str:
    """A random description of a scene."""
    if r.random() < 0.3:
        found = r.choice(SCENES)
    else:
        look, being = r.choice(["", "", r.choice(LOOKS)]), r.choice(BEINGS)
        noun = f"{look} {being}".strip()
        article = "an" if noun[0] in "aeiou" and not noun.startswith("uni") else "a"
        found = f"{article} {noun} {r.choice(SPOTS)}" if r.random() < 0.75 else f"{article} {noun}"
    return f"{found} {r.choice(STYLES)}" if r.random() < 0.25 else found


def request(r: Random) -> tuple[str, str]:
    """A request for an image, and the description in it."""
    if r.random() < 0.15:
        found = r.choice(SCENES_ZH)
        return phrase(
            r, "{画|画一张|帮我画|请画|给我画|画一幅画：|生成一张图片：}{s}", s=found
        ), found
    if r.random() < 0.12:
        found = f"a logo for {r.choice(LOGOS)}"
        return phrase(r, "{Design|Make|Create|Draw|I need|Can you make} {l}{?|.|}", l=found), found
    found = scene(r)
    return phrase(r, "{{Draw|Paint|draw|Sketch|Please draw|Can you draw|Could you paint|Draw me|Paint me} {s}{.|?|}|"
                  "{Make|Create|Generate|Give me|I want|Show me|I'd like|Produce} {a picture|an image|a drawing|a painting|an illustration} of {s}{.| please|}|"
                  "{A picture|An image|A painting} of {s}{, please|}|{Imagine|Picture|Illustrate} {s}{ and draw it|}|"
                  "{I need an illustration|I want a poster|Make me a wallpaper}: {s}}", s=found), found  # fmt: skip


def paint(r: Random, today: date) -> Task:
    ask, found = request(r)
    zh = not ask.isascii()
    seen = "[picture 1: 1024x1024]"
    answer = "图画好了。" if zh else "Here is the picture."
    follow: tuple[Task, ...] = ()
    if r.random() < 0.3 and not zh:
        change = r.choice([*STYLES, "at night", "in the snow", "with a rainbow above", "in red"])
        bare = found.split(" in watercolour")[0]
        follow = (Task(phrase(r, "{And now|Now|and|Again, but|The same, but|Now make it} {c}{.|}", c=change), said(answer), "cogview",
                       f"{bare} {change}", observation=seen),)  # fmt: skip
    elif r.random() < 0.15:
        second, found2 = request(r)
        follow = (
            Task(
                second,
                said("图画好了。" if not second.isascii() else "Here is the picture."),
                "cogview",
                found2,
                observation=seen,
            ),
        )
    if r.random() < 0.08:
        return Task(ask, said("现在画不了图：图像服务没有应答。" if zh else "I couldn't draw it: the picture service doesn't answer."), "cogview", found,
                    observation="The picture service doesn't answer.")  # fmt: skip
    return Task(ask, said(answer), "cogview", found, observation=seen, follow=follow)


def undrawable(r: Random) -> Task:
    """A request for an image where no tool makes images."""
    ask, _ = request(r)
    if not ask.isascii():
        return Task(ask, said("抱歉，我没有能画画的工具。"))
    return Task(
        ask,
        said(
            r.choice(
                [
                    "I can't draw pictures: none of my tools does that.",
                    "I have no tool to draw pictures.",
                ]
            )
        ),
    )


SKILLS: dict[DatedSkill, float] = {paint: 1}
