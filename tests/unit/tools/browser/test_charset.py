"""Bytes of a page as text: what is declared, what is declared wrongly, and what is guessed."""

import pytest

from tools.browser.html.charset import decode

CHINESE = "中华人民共和国的首都是北京，人口约两千万。"
TRADITIONAL = "繁體中文的網頁內容很多，這裡是一段比較長的文字，用來測試編碼的猜測。"
JAPANESE = "これは日本語のページです。漢字とかなが混ざっています。"
KOREAN = "이것은 한국어 페이지입니다. 인코딩을 추측합니다."
RUSSIAN = "Это русская страница в старой кодировке, которую надо угадать."
FRENCH = "Le café est à côté de la forêt, où l'été s'achève très vite."


def page(text: str, meta: str = "", language: str = "") -> str:
    return f"<html lang={language or 'x'}><head>{meta}<title>t</title></head><p>{text}</p></html>"


@pytest.mark.parametrize(
    ("html", "encoding", "header"),
    [
        # Nothing is said about GBK, or something wrong
        (page(CHINESE), "gbk", None),
        (page("你好"), "gbk", None),
        (page(CHINESE), "gbk", "utf-8"),
        (page(CHINESE), "gbk", "iso-8859-1"),
        (page(CHINESE), "gbk", "no-such-charset"),
        (page(CHINESE, '<meta charset="gb2312">'), "gbk", "iso-8859-1"),
        (page(CHINESE, '<meta http-equiv=x content="text/html; charset=gbk">'), "gbk", None),
        # UTF-8 with a header that lies, and UTF-16
        (page(CHINESE), "utf-8", "gbk"),
        (page(FRENCH), "utf-8", "iso-8859-1"),
        (page(CHINESE), "utf-16", None),
        (page(CHINESE), "utf-16-le", "utf-16le"),
        (page(CHINESE), "utf-8-sig", "big5"),
        # Others, declared by the language or by nothing
        (page("繁體中文", language="zh-TW"), "big5", None),
        (page(TRADITIONAL * 3), "big5", None),
        (page(JAPANESE * 3), "shift_jis", None),
        (page(KOREAN * 3), "euc-kr", None),
        (page(RUSSIAN * 3), "windows-1251", None),
        (page(FRENCH), "latin-1", "iso-8859-1"),
        (page(FRENCH), "latin-1", None),
        (page("plain"), "ascii", "us-ascii"),
    ],
)
def test_a_page_is_read_as_it_was_written(html, encoding, header):
    assert decode(html.encode(encoding), header) == html


def test_a_cut_character_and_a_single_bad_byte_cost_no_more_than_themselves():
    html = page(CHINESE * 20)
    assert decode(html.encode()[:400], None) in html
    assert decode(html.encode() + b"\xff", "utf-8") == html + "\ufffd"
