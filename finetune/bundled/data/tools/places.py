"""Tasks on the time and the weather in places all over the world; weather reports are made up."""

# ruff: noqa: E501  (a line a template)

from __future__ import annotations

from datetime import date
from random import Random

from finetune.bundled.data.tasks import DatedSkill, Task, arguments, phrase, said

# Places whose name is that of a time zone.
CITIES = ["Tokyo", "Paris", "London", "Berlin", "Madrid", "Rome", "Cairo", "Sydney", "Toronto", "Chicago", "Denver",
          "Lisbon", "Dublin", "Oslo", "Helsinki", "Vienna", "Prague", "Warsaw", "Athens", "Istanbul", "Moscow",
          "Shanghai", "Singapore", "Seoul", "Jakarta", "Manila", "Bangkok", "Dubai", "Nairobi", "Lagos", "Lima",
          "Bogota", "Auckland", "New York", "Los Angeles", "Hong Kong", "Sao Paulo", "Mexico City", "Stockholm",
          "Copenhagen", "Amsterdam", "Brussels", "Zurich", "Budapest", "Bucharest", "Sofia", "Riga", "Vilnius", "Tallinn",
          "Kiev", "Minsk", "Baghdad", "Tehran", "Riyadh", "Kabul", "Karachi", "Kolkata", "Dhaka", "Colombo", "Kathmandu",
          "Taipei", "Macau", "Perth", "Melbourne", "Brisbane", "Adelaide", "Hobart", "Darwin", "Fiji", "Tahiti", "Honolulu",
          "Anchorage", "Vancouver", "Edmonton", "Winnipeg", "Halifax", "Havana", "Panama", "Caracas", "Santiago",
          "Montevideo", "La Paz", "Guatemala", "Costa Rica", "Jamaica", "Phoenix", "Detroit", "Casablanca", "Tunis",
          "Algiers", "Accra", "Dakar", "Abidjan", "Kampala", "Johannesburg", "Harare", "Luanda", "Khartoum", "Addis Ababa",
          "Malta", "Monaco", "Luxembourg", "Belgrade", "Zagreb", "Sarajevo", "Samarkand", "Tashkent", "Almaty", "Vladivostok",
          "Yakutsk", "Reykjavik", "Bermuda", "Barbados", "Beirut", "Damascus", "Jerusalem", "Kuwait", "Qatar", "Japan", "Egypt"]  # fmt: skip
# Well-known places in the time zone of another one.
ZONES = {"Beijing": "Asia/Shanghai", "San Francisco": "America/Los_Angeles", "Seattle": "America/Los_Angeles",
         "Boston": "America/New_York", "Miami": "America/New_York", "Washington": "America/New_York",
         "Dallas": "America/Chicago", "Houston": "America/Chicago", "Munich": "Europe/Berlin", "Hamburg": "Europe/Berlin",
         "Milan": "Europe/Rome", "Barcelona": "Europe/Madrid", "Lyon": "Europe/Paris", "Manchester": "Europe/London",
         "Osaka": "Asia/Tokyo", "Kyoto": "Asia/Tokyo", "Mumbai": "Asia/Kolkata", "Delhi": "Asia/Kolkata",
         "Germany": "Europe/Berlin", "France": "Europe/Paris", "Italy": "Europe/Rome",
         "Spain": "Europe/Madrid", "England": "Europe/London", "India": "Asia/Kolkata", "China": "Asia/Shanghai",
         "Korea": "Asia/Seoul", "California": "America/Los_Angeles", "Geneva": "Europe/Zurich",
         "Greece": "Europe/Athens", "Kenya": "Africa/Nairobi", "Peru": "America/Lima", "Hanoi": "Asia/Ho_Chi_Minh"}  # fmt: skip
MORE_CITIES = [*CITIES, "Lyon", "Bergen", "Porto", "Graz", "Basel", "Munich", "Hamburg", "Boston", "Seattle", "Austin",
               "Kyoto", "Osaka", "Nanjing", "Hangzhou", "Leeds", "Bath", "Naples", "Milan", "Seville", "Ghent", "Cape Town",
               "Rio de Janeiro", "Buenos Aires", "San Diego", "Salt Lake City", "Kuala Lumpur", "Tel Aviv", "St. Louis",
               "The Hague", "Den Haag", "Santa Cruz", "Bonn", "Nice", "Turku", "Krakow", "Zermatt", "Quebec", "Mombasa",
               "Ulaanbaatar", "Chiang Mai", "Las Vegas", "New Orleans", "Aix-en-Provence", "Stratford-upon-Avon"]  # fmt: skip
CITIES_ZH = {"Tokyo": "东京", "Paris": "巴黎", "London": "伦敦", "Berlin": "柏林", "New York": "纽约", "Sydney": "悉尼",
             "Shanghai": "上海", "Singapore": "新加坡", "Moscow": "莫斯科", "Seoul": "首尔", "Rome": "罗马", "Madrid": "马德里",
             "Los Angeles": "洛杉矶", "Hong Kong": "香港", "Taipei": "台北", "Toronto": "多伦多", "Cairo": "开罗",
             "Bangkok": "曼谷", "Chicago": "芝加哥", "Vienna": "维也纳", "Dubai": "迪拜", "Athens": "雅典"}  # fmt: skip
MORE_ZH = [*CITIES_ZH.values(), "北京", "广州", "深圳", "杭州", "成都", "武汉", "南京", "西安", "重庆", "天津", "苏州", "大阪",
           "哈尔滨", "昆明", "厦门", "青岛", "拉萨", "里昂", "慕尼黑", "米兰"]  # fmt: skip
COUNTRIES = [
    "France",
    "Italy",
    "Japan",
    "Norway",
    "Peru",
    "Canada",
    "Spain",
    "Chile",
    "Kenya",
    "Poland",
    "United Kingdom",
]
SKIES = ["Sunny", "Clear", "Partly cloudy", "Cloudy", "Overcast", "Light rain", "Mist", "Patchy rain nearby",
         "Light snow", "Fog", "Moderate rain", "Heavy rain", "Thunderstorm", "Drizzle", "Haze"]  # fmt: skip


def place(r: Random) -> str:
    """A random place, known or made up."""
    if r.random() < 0.6:
        return r.choice(MORE_CITIES)
    name = "".join(
        r.choice(["bra", "kel", "mon", "ta", "ri", "sol", "wen", "dor", "fal", "gu", "lin", "pe", "sha", "vo", "ner", "ash"])
        for _ in range(r.choice([1, 2, 2]))
    )  # fmt: skip
    name = name.capitalize() + r.choice(
        ["ton", "ville", "burg", "a", "o", "ham", "stad", "ford", "mouth", "ino", "field"]
    )
    return (
        r.choice(
            ["", "", "", "", "New ", "Port ", "San ", "Saint ", "Bad ", "East ", "Lake ", "Fort "]
        )
        + name
    )


TIME_IN = (
    "{{What time is it|What's the time|what time is it now|Tell me the time|Time|Current time|What is the local time|"
    "What time do they have|What hour is it|Give me the time|Time now|Can you tell me the time|What does the clock say|"
    "Do you know what time it is|What's the current time} {right now |}in {c}{ now| right now| at the moment| please|}|"
    "{Is it {morning|night|evening|day or night|late|already dark|afternoon|still early|past noon|bedtime} {now |}in {c}{ now| yet|}}|"
    "{How late is it in|What day is it in|Local time in|What's today's date in} {c}|{c} time{ now| please|}|"
    "{Tell me what|I'd like to know what|I wonder what} time {it is|people have} in {c}{ now|}|"
    "{I want to call {a friend|my aunt|a colleague|the office} in {c}. What time is it there|My {brother|boss|friend} lives in {c}. What time is it for {him|her}}}{?|}"
)


def clock(observed: str) -> str:
    return observed.split(" (")[0]


def time_now(r: Random, today: date) -> Task:
    if r.random() < 0.17:
        city, zh = r.choice(list(CITIES_ZH.items()))
        ask = phrase(
            r,
            "{{现在|请问|}{c}{现在几点|几点了|是几点|的时间是多少|现在什么时间|现在是几点钟|当地时间是多少}？|告诉我{c}的时间|{c}时间}",
            c=zh,
        )
        other, zh2 = r.choice(list(CITIES_ZH.items()))
        more = (Task(phrase(r, "{那|}{c}呢？", c=zh2), lambda seen: f"{zh2}现在是 {clock(seen)}。", "current_time",
                     arguments(zone=other)),)  # fmt: skip
        return Task(ask, lambda seen: f"{zh}现在是 {clock(seen)}。", "current_time", arguments(zone=city),
                    follow=more if r.random() < 0.3 else ())  # fmt: skip
    if r.random() < 0.13:
        ask = phrase(r, "{{What time is it|What's the time|What time is it now|Tell me the time|The time please|What is the time in UTC|"
                     "Current time|Do you have the time|How late is it|What time do we have|What weekday is it today}{?|}|现在几点{了|}？|几点了？}")  # fmt: skip
        if not ask.isascii():
            return Task(ask, lambda seen: f"现在是 {clock(seen)}（UTC）。", "current_time", "{}")
        return Task(ask, lambda seen: f"It is {clock(seen)} UTC.", "current_time", "{}")
    city, zone = r.choice([(c, c) for c in CITIES] + [*ZONES.items()] * 2)
    follow: tuple[Task, ...] = ()
    if r.random() < 0.3:
        other, zone2 = r.choice([(c, c) for c in CITIES] + [*ZONES.items()])
        follow = (Task(phrase(r, "{{And in|and in|What about|And for|How about in|and|what about in|Same for|In} {c}{?|}}", c=other),
                       lambda seen: f"In {other} it is {clock(seen)}.", "current_time", arguments(zone=zone2)),)  # fmt: skip
    return Task(phrase(r, TIME_IN, c=city), lambda seen: f"In {city} it is {clock(seen)}.", "current_time",
                arguments(zone=zone), follow=follow)  # fmt: skip


WEATHER_IN = (
    "{{What is|What's|How is|How's} the {weather|weather} {like |}{in|today in|right now in|over in} {c}{ now| today| at the moment|}{?|}|"
    "{Weather|The weather|Weather report|Weather conditions|Current weather|Temperature} {in|for} {c}{ please| now| today|}|"
    "Is it {raining|sunny|cold|snowing|windy|hot|warm|foggy|cloudy|humid|freezing|nice|stormy} in {c}{ now| today| right now|}{?|}|"
    "How {warm|cold|hot|windy|humid} is it in {c}{ now| today| right now|}{?|}|"
    "{Do I need|Should I take|Shall I bring} {an umbrella|a jacket|a scarf|sunglasses|a hat|boots} in {c}{ today|}{?|}|"
    "{Tell me|Check|Look up|Show me|Find out|Get} the weather {in|for|of} {c}{ please|}|"
    "{What's|What is} the temperature in {c}{ now|}{?|}|How many degrees {is it|does it have} in {c}{?|}|"
    "{I'm {going|flying|travelling} to {c} {today|now}. {What's the weather like|Do I need a jacket|How warm is it there}?}|"
    "{What should I wear in {c} {today|right now}?|Can I {go swimming|have a picnic|go hiking} in {c} today?|Will I need {gloves|sun cream} in {c} now?}|"
    "Does it {rain|snow} in {c}{ now| at the moment}?|{c} weather{ now| today|}|What are the conditions {like |}in {c}?|Are there clouds over {c}?}"
)


def look(r: Random, city: str, zh: bool = False) -> tuple[str, str]:
    """A made-up weather report, and an answer about it."""
    degrees, sky = r.randint(-15, 39), r.choice(SKIES)
    seen = (f"{city}, {r.choice(COUNTRIES)}: {sky}, {degrees} °C (feels like {degrees + r.randint(-3, 2)} °C), "
            f"humidity {r.randint(20, 98)} %, wind {r.randint(1, 50)} km/h.")  # fmt: skip
    if zh:
        return seen, f"{city}现在 {degrees} °C，{sky}。"
    return seen, f"In {city} it is {degrees} °C: {sky.lower()}."


def weather(r: Random, today: date) -> Task:
    zh = r.random() < 0.16
    city = r.choice(MORE_ZH) if zh else place(r)
    seen, answer = look(r, city, zh)
    failed = r.random() < 0.16
    if failed:
        seen = "There is no network here, so the weather can't be looked up."
        answer = (
            "这里没有网络，查不到天气。"
            if zh
            else "I can't look up the weather: there is no network here."
        )
    if zh:
        ask = phrase(r, "{{c}{今天|现在|}{天气怎么样|的天气如何|天气|冷不冷|下雨了吗|热吗|多少度|气温多少|要带伞吗|在下雪吗|天气好吗}？|"
                     "{查一下|告诉我|看看}{c}的天气|我要去{c}，天气怎么样？}", c=city)  # fmt: skip
        return Task(ask, said(answer), "weather", arguments(city=city), observation=seen)
    follow: tuple[Task, ...] = ()
    if r.random() < 0.3:
        other = place(r)
        seen2, answer2 = look(r, other)
        follow = (Task(phrase(r, "{{And in|and in|and for|And|What about|How about|And for|what about in|Same for|in} {c}{?|}}", c=other),
                       said(answer2), "weather", arguments(city=other), observation=seen2),)  # fmt: skip
    elif not failed and r.random() < 0.2 and city in CITIES:
        follow = (Task(phrase(r, "{What time is it there|And what time is it there|what's the time there}?"),
                       lambda seen: f"In {city} it is {clock(seen)}.", "current_time", arguments(zone=city)),)  # fmt: skip
    return Task(phrase(r, WEATHER_IN, c=city), said(answer), "weather", arguments(city=city),
                observation=seen, follow=follow)  # fmt: skip


OWN: dict[DatedSkill, tuple[str, float]] = {
    time_now: ("current_time", 2.2),
    weather: ("weather", 2.2),
}
