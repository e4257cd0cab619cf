"""Bytes of text files: marks, UTF-8, and what was used before it - short texts too."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from tools.documents.encoding.detect import BLOCK_BYTES, decode, decode_markup, open_text

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
CZECH = ["Příliš žluťoučký kůň úpěl ďábelské ódy. Dnes je krásný den a všichni jsou doma. "]
HEBREW = ["שלום", "שלום עולם, זהו דף בעברית שנכתב לפני זמן רב."]
ARABIC = ["مرحبا بالعالم، هذه صفحة باللغة العربية كتبت منذ زمن طويل."]
TURKISH = ["Türkiye Cumhuriyeti başkenti Ankara, en kalabalık şehri İstanbul olan ülkedir."]
ZH = "中华人民共和国的首都是北京，人口约两千万。"
ZHT = "繁體中文的網頁內容很多，這裡是一段比較長的文字，用來測試編碼的猜測。"
JA = "これは日本語のページです。漢字とかなが混ざっています。"
KO = "이것은 한국어 페이지입니다. 인코딩을 추측합니다."
RU = "Это русская страница в старой кодировке, которую надо угадать."
FR = "Le café est à côté de la forêt, où l'été s'achève très vite."
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
    *((text, "cp1250") for text in (*POLISH, *CZECH)),
    *((text, "cp1255") for text in HEBREW),
    *((text, "cp1256") for text in ARABIC),
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
    plain = "plain words " * (BLOCK_BYTES // 10)
    assert written(tmp_path / "a", (plain + "中文资料").encode("gb18030")).endswith("中文资料")
    assert written(tmp_path / "b", (plain + "日本").encode()).endswith("日本")


def test_line_ends_are_one_kind_and_a_mark_is_no_text(tmp_path):
    assert written(tmp_path / "a", b"\xef\xbb\xbfone\r\ntwo\rthree") == "one\ntwo\nthree"
    assert written(tmp_path / "b", "one\r\ntwo".encode("utf-16")) == "one\ntwo"
    assert written(tmp_path / "c", "eins\r\nzwei".encode("utf-16-be")) == "eins\nzwei"


def test_a_character_on_the_border_of_two_blocks_stays_whole(tmp_path):
    text = "x" * (BLOCK_BYTES - 1) + "é日" * 3
    assert written(tmp_path / "a", text.encode()) == text


def test_unicode_without_a_mark_or_zeros_is_known_by_its_characters():
    for text in (
        "会议纪要：明天上午九点开会，请准时参加。",
        "대한민국의 수도는 서울이다.",
        JAPANESE[3],
    ):
        assert decode(text.encode("utf-16-le")) == text
        assert decode(text.encode("utf-16-be")) == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("会议纪要：明天", "utf-8"), ("Ça va être prêt", "utf-8"), ("会议纪要：明天", "gb18030")],
)
def test_half_a_character_at_the_end_is_left_out(text, encoding, tmp_path):
    data = (text + "上").encode(encoding)[:-1]
    assert decode(data) == text
    assert written(tmp_path / "cut", data) == text


def test_a_single_letter_at_the_end_is_no_half_of_one():
    assert decode("un café".encode("cp1252")) == "un café"


@pytest.mark.parametrize(
    ("data", "declared", "text"),
    [
        ("镕铸计划".encode("gbk"), "gb2312", "镕铸计划"),
        (b"\x1b$B-j;3ED\x1b(B \x1b$B-!\x1b(B", "iso-2022-jp", "㈱山田 ①"),
        (b"\x1b$B$=$N-!\x1b(B: \x1b(I6@6E\x1b(B.", None, "その①: ｶﾀｶﾅ."),
        ("會議".encode("big5"), "utf-8", "會議"),
        ("¿Qué?".encode("cp850"), "cp850", "¿Qué?"),
        (b"plain", "base64", "plain"),
        (b"plain", "no such", "plain"),
    ],
)
def test_a_text_is_read_as_is_declared_where_that_fits(data, declared, text):
    assert decode(data, declared) == text


def page(text: str, meta: str = "", language: str = "") -> str:
    return f"<html lang={language or 'x'}><head>{meta}<title>t</title></head><p>{text}</p></html>"


# Pages of the web: what is declared, what is declared wrongly, and what is guessed


@pytest.mark.parametrize(
    ("html", "encoding", "header"),
    [
        # Nothing is said about GBK, or something wrong
        (page(ZH), "gbk", None),
        (page("你好"), "gbk", None),
        (page(ZH), "gbk", "utf-8"),
        (page(ZH), "gbk", "iso-8859-1"),
        (page(ZH), "gbk", "no-such-charset"),
        (page(ZH, '<meta charset="gb2312">'), "gbk", "iso-8859-1"),
        (page(ZH, '<meta http-equiv=x content="text/html; charset=gbk">'), "gbk", None),
        # UTF-8 with a header that lies, and UTF-16
        (page(ZH), "utf-8", "gbk"),
        (page(FR), "utf-8", "iso-8859-1"),
        (page(ZH), "utf-16", None),
        (page(ZH), "utf-16-le", "utf-16le"),
        (page(ZH), "utf-8-sig", "big5"),
        # Others, declared by the language or by nothing
        (page("繁體中文", language="zh-TW"), "big5", None),
        (page(ZHT * 3), "big5", None),
        (page(JA * 3), "shift_jis", None),
        (page(KO * 3), "euc-kr", None),
        (page(RU * 3), "windows-1251", None),
        (page(FR), "latin-1", "iso-8859-1"),
        (page(FR), "latin-1", None),
        (page("plain"), "ascii", "us-ascii"),
        # Short texts, of which nothing is said
        (page("繁體中文"), "big5", None),
        (page("日本語"), "shift_jis", None),
        (page("こんにちは"), "euc-jp", None),
        (page(JA), "iso-2022-jp", None),
        (page("안녕하세요"), "euc-kr", None),
        (page("Привет"), "koi8-r", None),
        (page("Αθήνα"), "windows-1253", None),
        (page("café"), "latin-1", None),
        (page("10 € “quoted” – dash"), "windows-1252", None),
        (page("plain words"), "utf-16-le", None),
        (page(ZH), "utf-32", None),
        # A header or a meta that lies, for characters that would decode
        (page("会议纪要"), "gbk", "big5"),
        (page("会议纪要"), "gbk", "windows-1251"),
        (page("會議紀錄"), "big5", "gbk"),
        (page("日本語"), "shift_jis", "gbk"),
        (page(JA), "euc-jp", "big5"),
        (page(KO), "euc-kr", "gbk"),
        (page("Größe"), "latin-1", "big5"),
        (page(RU), "koi8-r", "windows-1251"),
        (page("会议纪要", '<meta charset="iso-8859-1">'), "gbk", None),
        (page(FR, '<meta charset="utf-16">'), "latin-1", None),
        # What is right is believed, and the language where nothing else is said
        (page("Zażółć", '<meta charset="iso-8859-2">'), "iso-8859-2", None),
        (page("裏表"), "big5hkscs", "big5"),
        (page("①㈱"), "cp932", "shift_jis"),
        (page("Dnes je krásný den", language="cs"), "cp1250", None),
        (page("สวัสดี", language="th"), "cp874", None),
    ],
)
def test_a_page_is_read_as_it_was_written(html, encoding, header):
    assert decode_markup(html.encode(encoding), header) == html


def test_a_cut_character_and_a_single_bad_byte_cost_no_more_than_themselves():
    html = page(ZH * 20)
    assert decode_markup(html.encode()[:400], None) in html
    assert decode_markup(html.encode() + b"\xff", "utf-8") == html + "\ufffd"
