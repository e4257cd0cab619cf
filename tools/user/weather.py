"""The weather now, from wttr.in. Needs the network, and says so where there is none."""

import json
from http.client import HTTPException
from typing import Annotated
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from tools import tool
from tools.base import ToolError

SERVICE = "https://wttr.in"
TIMEOUT_S = 5  # of the connection and of each read
MAX_ANSWER_BYTES = 1_000_000  # an answer has about 50,000


@tool
def weather(city: Annotated[str, "name of the city"]) -> str:
    """Look up the weather in a city now."""
    if not city.strip():
        raise ToolError("Which city?")
    url = f"{SERVICE}/{quote(city.strip(), safe='')}?format=j1"
    try:
        with urlopen(Request(url, headers={"User-Agent": "curl"}), timeout=TIMEOUT_S) as answer:
            report = json.loads(answer.read(MAX_ANSWER_BYTES))
        now, area = report["current_condition"][0], report["nearest_area"][0]
        return (
            f"{area['areaName'][0]['value']}, {area['country'][0]['value']}: "
            f"{now['weatherDesc'][0]['value'].strip()}, {now['temp_C']} °C "
            f"(feels like {now['FeelsLikeC']} °C), humidity {now['humidity']} %, "
            f"wind {now['windspeedKmph']} km/h."
        )
    except HTTPError as error:
        if error.code == 404:
            raise ToolError(f"The weather service knows no place named {city}.") from None
        raise ToolError(f"The weather service refused (HTTP {error.code}).") from None
    except OSError:
        raise ToolError("There is no network here, so the weather can't be looked up.") from None
    except (HTTPException, ValueError, LookupError, TypeError):
        raise ToolError("The weather service gave an answer that can't be read.") from None
