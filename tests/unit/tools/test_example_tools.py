"""The example tools in tools/user, called as a model calls them."""

import json
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tools.base import ToolCall, ToolContext
from tools.functions.loading import load_tools
from tools.registry import Registry

FOLDER = Path(__file__).parents[3] / "tools" / "user"
NO_NETWORK = "There is no network here, so the weather can't be looked up."


@pytest.fixture(scope="module")
def registry():
    loaded = load_tools([FOLDER])
    assert loaded.problems == ()
    made = Registry(loaded.tools)
    assert made.refused == ()
    return made


@pytest.fixture
def use(registry, tmp_path):
    def use(name, **arguments):
        call = ToolCall("c", name, json.dumps(arguments))
        return registry.run(call, ToolContext(tmp_path))

    return use


def test_each_is_short_and_described(registry):
    for spec in registry.specs(native=False):
        assert 20 < len(spec.description) < 100 and "\n" not in spec.description
        for parameter in spec.parameters["properties"].values():
            assert parameter["description"]


@pytest.mark.parametrize(
    ("amount", "source", "target", "text"),
    [
        (100, "miles", "km", "100 mile = 160.934 km"),
        ("5", "Kilograms", "lb", "5 kg = 11.0231 pound"),
        (100, "C", "Fahrenheit", "100 C = 212 F"),
        (-40, "f", "°C", "-40 F = -40 C"),
        (0, "K", "degrees celsius", "0 K = -273.15 C"),
        (36, "km/h", "m/s", "36 km/h = 10 m/s"),
        (1, "gallon", "litres", "1 gallon = 3.78541 l"),
        (12, "inches", "feet", "12 inch = 1 foot"),
    ],
)
def test_convert_units(use, amount, source, target, text):
    result = use("convert_units", amount=amount, from_unit=source, to_unit=target)
    assert (result.text, result.error) == (text, None)


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        ("km", "kg", "km and kg don't measure the same thing."),
        ("C", "km", "C and km don't measure the same thing."),
        ("parsec", "km", "The unit parsec is not known. Known units: k, c, f, m, mm"),
        ("", "km", "is not known"),
    ],
)
def test_convert_units_says_what_it_can_not(use, source, target, said):
    assert said in use("convert_units", amount=1, from_unit=source, to_unit=target).error
    cold = use("convert_units", amount=-300, from_unit="C", to_unit="K")
    assert cold.error == "-300 C is below absolute zero."


def test_dates(use):
    text = use("days_between", start="2024-02-01", end="2024-03-01").text
    assert text == "From Thursday, 2024-02-01, to Friday, 2024-03-01: 29 days."
    assert "-366 days" in use("days_between", start="2025-01-01", end="2024-01-01").text
    assert 'but is "soon"' in use("days_between", start="soon", end="2024-01-01").error
    assert use("add_to_date", start="2024-02-28", amount="2").text == "Friday, 2024-03-01"
    assert use("add_to_date", start="2024-02-28", amount=-1, unit="weeks").text.endswith("02-21")
    assert "no date" in use("add_to_date", start="2024-02-28", amount=10**9).error
    assert "no date" in use("add_to_date", start="2024-02-28", amount=10**18).error


@pytest.mark.parametrize(
    ("zone", "name"),
    [("Europe/Berlin", "Europe/Berlin"), ("new york", "America/New_York"), ("UTC", "UTC")],
)
def test_current_time(use, zone, name):
    assert f"({name}, UTC" in use("current_time", zone=zone).text


@pytest.mark.parametrize("zone", ["", "Europe", "../../etc/passwd", "/etc/passwd", "a\0b"])
def test_current_time_somewhere_unknown(use, zone):
    assert use("current_time", zone=zone).error.startswith("No time zone is named")


def test_random_numbers(use):
    once, again = (use("random_numbers", count=50, seed=7).text for _ in range(2))
    assert once == again and set(json.loads(once)) == {1, 2, 3, 4, 5, 6}
    numbers = json.loads(use("random_numbers", low=0, high=1, count=9, kind="decimal").text)
    assert len(numbers) == 9 and all(0 <= n <= 1 for n in numbers)
    assert "low (5) is larger than high (1)" in use("random_numbers", low=5, high=1).error
    assert "whole limits" in use("random_numbers", low=0.5).error
    assert "whole limits" in use("random_numbers", high=float("inf")).error
    assert "less than or equal to 1000" in use("random_numbers", count=10**9).error


# the weather, from a real server on loopback

REPORT = {
    "current_condition": [
        {"temp_C": "7", "FeelsLikeC": "4", "humidity": "80", "windspeedKmph": "12",
         "weatherDesc": [{"value": "Light rain "}]},
    ],
    "nearest_area": [{"areaName": [{"value": "Köln"}], "country": [{"value": "Germany"}]}],
}  # fmt: skip


@pytest.fixture
def service(registry, monkeypatch):
    """A weather service whose answers the test chooses; `asked` holds the paths asked for."""
    answers, asked = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            status, body = answers.pop()
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    point(registry, monkeypatch, server.server_port)
    yield answers, asked
    server.shutdown()
    server.server_close()
    thread.join()


def point(registry, monkeypatch, port):
    module = sys.modules[registry.tool_for("weather").__module__]
    monkeypatch.setattr(module, "SERVICE", f"http://127.0.0.1:{port}")
    monkeypatch.setattr(module, "TIMEOUT_S", 2)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_weather(use, service):
    answers, asked = service
    answers.append((200, json.dumps(REPORT).encode()))
    result = use("weather", city=" Köln/Süd ")
    assert result.text == (
        "Köln, Germany: Light rain, 7 °C (feels like 4 °C), humidity 80 %, wind 12 km/h."
    )
    assert result.error is None and asked == ["/K%C3%B6ln%2FS%C3%BCd?format=j1"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((404, b""), "The weather service knows no place named Nowhere."),
        ((503, b"<html>"), "The weather service refused (HTTP 503)."),
        ((200, b"<html>"), "The weather service gave an answer that can't be read."),
        ((200, b"{}"), "The weather service gave an answer that can't be read."),
        ((200, b'{"current_condition": []}'), "gave an answer that can't be read."),
        ((200, b"[]"), "The weather service gave an answer that can't be read."),
        ((200, b"\xff" * 2_000_000), "The weather service gave an answer that can't be read."),
    ],
)
def test_weather_from_a_service_in_trouble(use, service, answer, said):
    service[0].append(answer)
    result = use("weather", city="Nowhere")
    assert said in result.error and result.text == result.error


def test_weather_without_a_network(use, registry, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: a connection is refused
        point(registry, monkeypatch, taken.getsockname()[1])
        assert use("weather", city="Rome").error == NO_NETWORK


def test_weather_from_a_service_that_is_silent_or_hangs_up(use, registry, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        point(registry, monkeypatch, server.getsockname()[1])
        module = sys.modules[registry.tool_for("weather").__module__]
        monkeypatch.setattr(module, "TIMEOUT_S", 0.2)
        assert use("weather", city="Rome").error == NO_NETWORK


def test_weather_wants_a_city(use):
    assert use("weather", city=" ").error == "Which city?"
