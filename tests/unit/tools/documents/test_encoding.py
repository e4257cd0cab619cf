"""Bytes of text files: marks, UTF-8, and what was used before it - short texts too."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from tools.documents.encoding.detect import BLOCK, decode, decode_markup, open_text

SIMPLIFIED = [
    "你好",
    "数据",
    "会议纪要",
    "第一章 总则",
    "姓名,年龄\n张三,20\n李四,30",
    "合同编号：A-12",
    "“你好”，他说。",
    "中华人民共和国的首都是北京，人口约两千万。",
]
TRADITIONAL = ["你好", "會議紀錄", "臺灣大學", "繁體中文的網頁內容很多，這裡是一段比較長的文字。"]
JAPANESE = [
    "こんにちは",
    "カタカナ",
    "会議の議事録",
    "これは日本語のページです。漢字とかなが混ざっています。",
]
KOREAN = ["안녕하세요", "서울", "이름,나이\n김철수,20", "대한민국의 수도는 서울이다."]
RUSSIAN = ["Привет", "ДОГОВОР № 12", "Цена — 100 руб.", "Это страница в старой кодировке."]
GREEK = ["Η Αθήνα είναι η πρωτεύουσα της Ελλάδας και η μεγαλύτερη πόλη της χώρας."]
WESTERN = [
    "café",
    "Größe",
    "Änderung",
    "25 °C",
    "10 €",
    "¿Qué tal, señor?",
    "“quoted” text – dash",
    "Le café est à côté de la forêt, où l'été s'achève très vite.",
]
POLISH = ["Zażółć gęślą jaźń, proszę państwa. Wszystkie dzieci są nasze. " * 4]
TURKISH = ["Türkiye Cumhuriyeti başkenti Ankara, en kalabalık şehri İstanbul olan ülkedir."]
EVERY = [
    *((text, "gb18030") for text in SIMPLIFIED),
    *((text, "big5") for text in TRADITIONAL),
    *((text, "cp932") for text in JAPANESE),
    *((text, "euc_jp") for text in (JAPANESE[0], JAPANESE[1], JAPANESE[3])),
    *((text, "iso2022_jp") for text in JAPANESE),
    *((text, "cp949") for text in KOREAN),
    *((text, "cp1251") for text in RUSSIAN),
    *((text, "koi8_r") for text in (RUSSIAN[0], RUSSIAN[3])),
    *((text, "cp1252") for text in WESTERN),
    *((text, "cp1253") for text in GREEK),
    *((text, "cp1254") for text in TURKISH),
    *((text, "cp1250") for text in POLISH),
]


@pytest.mark.parametrize(("text", "encoding"), EVERY)
def test_a_text_is_read_as_it_was_written(text, encoding):
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("text", [*SIMPLIFIED, *WESTERN, *RUSSIAN, *KOREAN])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_unicode_is_known_with_its_mark_and_utf8_without(text, encoding):
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", ["Plain words, and more.", "姓名: 张三, 20\r\n姓名: 李四, 30\r\n"])
def test_unicode_without_a_mark_is_known_by_its_zeros(encoding, text):
    assert decode(text.encode(encoding)) == text


def test_the_other_order_of_utf16_is_known_by_its_mark():
    assert decode(codecs.BOM_UTF16_BE + "Grüße".encode("utf-16-be")) == "Grüße"


def test_a_few_broken_bytes_cost_no_more_than_themselves():
    text = "Wörter über Wörter. " * 100
    data = text.encode()
    assert decode(data[:500] + b"\xff" + data[500:]).replace("\ufffd", "") == text
    assert decode(data[: data.rindex("ö".encode()) + 1]).startswith(text[:1500])


def test_arbitrary_bytes_become_some_text():
    assert isinstance(decode(bytes(range(256)) * 3), str)
    assert decode(b"") == ""


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ('<meta charset="gb2312">你好'.encode("gb18030"), "你好"),
        ('<?xml version="1.0" encoding="windows-1251"?>Да'.encode("cp1251"), "Да"),
        ('<meta charset="iso-8859-1">10 €'.encode("cp1252"), "10 €"),
        ('<meta charset="iso-8859-1">日本語'.encode(), "日本語"),
        ('<meta charset="no-such">中华人民共和国'.encode("gb18030"), "中华人民共和国"),
        ('<meta charset="base64">un café'.encode("cp1252"), "un café"),
    ],
)
def test_what_a_page_says_of_itself_is_believed_where_it_fits(data, text):
    assert decode_markup(data).endswith(text)


def written(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with open_text(path) as file:
        return file.read()


def test_a_file_is_decoded_by_what_comes_late_in_it(tmp_path):
    plain = "plain words " * (BLOCK // 10)
    assert written(tmp_path / "a", (plain + "中文资料").encode("gb18030")).endswith("中文资料")
    assert written(tmp_path / "b", (plain + "日本").encode()).endswith("日本")


def test_line_ends_are_one_kind_and_a_mark_is_no_text(tmp_path):
    assert written(tmp_path / "a", b"\xef\xbb\xbfone\r\ntwo\rthree") == "one\ntwo\nthree"
    assert written(tmp_path / "b", "one\r\ntwo".encode("utf-16")) == "one\ntwo"
    assert written(tmp_path / "c", "eins\r\nzwei".encode("utf-16-be")) == "eins\nzwei"


def test_a_character_on_the_border_of_two_blocks_stays_whole(tmp_path):
    text = "x" * (BLOCK - 1) + "é日" * 3
    assert written(tmp_path / "a", text.encode()) == text
