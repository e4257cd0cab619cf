"""Functions that don't exist, of many kinds, whose names and parameters are drawn anew each time.

One line a function: name | description | parameters | request | result | answer. `{a|b}` is one of
these. A parameter is `name:kind`, with `?` behind the name where it may be left out; its value
stands in the request as `<key>`, where the key is the first of its names. A stretch in `[…]`
is there only when its optional parameter is given. Results have `<key>` and `#` for a number.
"""

# ruff: noqa: E501  (a line a template)

FUNCTIONS = """
{book|reserve}_{table|restaurant} | {Book|Reserve} a table at a restaurant | {restaurant|place|name}:restaurant, {people|guests|party_size}:small, {time|at}:time, {date|day}?:isodate | {Book|Reserve|Get me} a table for <people> at <restaurant> at <time>[date: on <date>] | {"status": "booked", "reference": "R#"} | Your table at <restaurant> is booked, reference R#.
send_{email|mail} | Send an e-mail | {to|recipient}:email, {subject|title}:topic, {body|text|message}?:sentence | {Send|Write} an e-mail to <to> {about|with the subject} <subject>[body:  saying "<body>"] | sent | The e-mail to <to> is sent.
{send_message|text_someone|send_sms} | Send a {short |text }message | {to|person|contact}:person, {text|message|content}:sentence | {Text|Message|Tell} <to>: <text> | delivered | <to> has got your message.
{create|add|schedule}_{event|meeting|appointment} | Put an {event|appointment} into the calendar | {title|name|subject}:event, {date|day}:isodate, {time|start}?:time, {minutes|duration|length}?:minutes | {Put|Add|Schedule} <title> {on|for} <date>[time:  at <time>][minutes:  for <minutes> minutes] | {"id": #} | <title> is in your calendar.
set_{alarm|alarm_clock} | Set an alarm | {time|at}:time, {label|name}?:event | {Set an alarm for|Wake me at} <time>[label:  for <label>] | alarm set | The alarm is set for <time>.
{start|set}_timer | Start a timer | {minutes|duration}:minutes, {label|name}?:event | {Set|Start} a timer {for|of} <minutes> minutes[label:  for <label>] | running | The timer runs for <minutes> minutes.
{add|create}_{reminder|task|todo} | Remember {something|a thing to do} | {text|task|what}:chore, {date|due}?:isodate, {priority|urgency}?:level | {Remind me to|Add to my list:} <text>[date:  on <date>][priority:  with <priority> priority] | saved as number # | I'll remind you to <text>.
{get_stock_price|stock_quote|share_price} | Look up {the price of a share|a share price} | {symbol|ticker}:ticker | {What is the price of|How much is|Quote for} <symbol>{ stock| shares|}? | {"price": #.5} | <symbol> is at #.5.
{convert_currency|exchange|currency} | Convert money {from one currency to another|between currencies} | {amount|value}:money, {from|source|from_currency}:currency, {to|target|to_currency}:currency2 | {Convert|Change|How much is} <amount> <from> {to|in} <to> | {"result": #.25} | That is #.25 <to>.
{translate|translate_text} | Translate {a text|text} | {text|sentence}:sentence, {language|to|target_language}:language | {Translate "<text>" {to|into} <language>|How do you say "<text>" in <language>?} | (translated) | The translation: (translated)
play_{music|song} | Play {a song|music} | {title|song|track}:song, {artist|by}?:artist, {shuffle|random}?:flag | Play <title>[artist:  by <artist>][shuffle:  on shuffle] | playing | <title> is playing.
set_{volume|sound} | Set the volume of the speaker | {level|percent|volume}:percent, {room|device}?:room | {Set|Turn} the volume to <level>{%| percent}[room:  in the <room>] | ok | The volume is at <level>.
{turn|switch}_{lights|light|lamp} | {Switch|Turn} the lights of a room on or off | {room|where}:room, {on|state_on}:onoff, {brightness|level}?:percent | {Turn|Switch} <on> the {light|lights} in the <room>[brightness:  at <brightness>%] | ok | Done: the light in the <room> is <on>.
set_{thermostat|temperature|heating} | Set the heating of a room | {degrees|temperature|target}:celsius, {room|zone}?:room | {Set|Put} the {heating|thermostat} to <degrees> {degrees|°C}[room:  in the <room>] | ok | The heating is set to <degrees> degrees.
{lock|lock_unlock|set_lock}_door | Lock or unlock a door | {door|which}:door, {lock|locked}:lockflag | <lock> the <door> | ok | Done.
{order|buy}_{food|pizza|meal} | Order food | {item|dish|food}:dish, {quantity|count|number}:small, {size|portion}?:size, {extras|toppings}?:toppings | {Order|Get me|I want} <quantity>[size:  <size>] <item>[extras:  with <extras>] | {"order": #, "minutes": 35} | Your order is number #.
{search|find}_{flights|flight} | {Search|Find} flights | {from|origin|departure}:city, {to|destination|arrival}:city2, {date|day}:isodate, {passengers|people}?:small, {class|cabin}?:cabin | {Find|Search|Look for|Any} flights from <from> to <to> on <date>[passengers:  for <passengers>][class:  in <class>] | {"cheapest": "# EUR"} | The cheapest flight costs # EUR.
{book|find|search}_{hotel|hotels|room} | {Find|Book} a hotel room | {city|location|place}:city, {nights|duration}:small, {guests|people|adults}?:small2, {breakfast|with_breakfast}?:flag | {Find|Book} a hotel in <city> for <nights> nights[guests:  for <guests> people][breakfast:  with breakfast] | {"hotel": "Central", "price": #} | Hotel Central has a room for #.
{get|call|order}_{taxi|cab|ride} | Call a taxi | {from|pickup|start}:address, {to|destination|dropoff}:address2 | {Get|Call|Order} {me |}a {taxi|cab} from <from> to <to> | {"arrives_in": # } | The taxi comes in # minutes.
{distance|get_distance|route_length} | Distance between two {cities|places} | {start|from|a}:city, {end|to|b}:city2, {unit|units}?:kmmiles | How far is {it from <start> to <end>|<end> from <start>}[unit:  in <unit>]? | # | It is #.
{get_|find_|}{directions|route} | Find the way {from one place to another|between places} | {from|start|origin}:address, {to|goal|destination}:address2, {mode|by|vehicle}?:vehicle | {How do I get|Show the way|Directions} from <from> to <to>[mode:  by <mode>]? | # minutes, straight on | It takes # minutes: straight on.
{track|find}_{parcel|package|shipment} | Where a parcel is | {number|code|tracking_number}:code | {Where is|Track} {parcel|package|my parcel} <number>? | in transit, # km away | The parcel is on its way, # km away.
{get|read|find}_{news|headlines} | Headlines of the day | {topic|subject|about}:topic, {count|limit|max}?:small | {Show me|Read me|Get}[count:  <count>] {headlines|news} {on|about} <topic> | # new articles | There are # new articles about <topic>.
{get|find|look_up}_{recipe|recipes} | Find a recipe | {dish|name|query}:dish, {vegetarian|vegan}?:flag, {minutes|max_minutes|time}?:minutes | {Find|Show me|I need} a[vegetarian:  vegetarian] recipe for <dish>[minutes:  in at most <minutes> minutes] | bake # minutes | Here is one: bake # minutes.
{search|find}_{books|book} | Search the library | {title|query|name}?:song, {author|writer}:artist, {year|after}?:year | {Find|Search for} books by <author>[title:  called <title>][year:  from <year>] | # books | I found # books by <author>.
{search|find}_{movies|movie|films} | Search films | {genre|kind|category}:genre, {year|released}?:year, {min_rating|rating|score}?:rating | {Find|Show me|Suggest} <genre> movies[year:  from <year>][min_rating:  rated at least <min_rating>] | # films | I found # <genre> films.
{get|look_up|find}_{user|customer|client} | Look up a customer | {id|customer_id|number}:id | {Show|Look up|Find|Who is} customer {number |}<id> | {"name": "Dana", "orders": #} | Customer <id> is Dana, with # orders.
{create|add|new}_{user|account|customer} | Create an account | {name|full_name}:person, {email|mail}:email, {admin|is_admin}?:flag | {Create|Open} an account for <name> with <email>[admin:  as admin] | created, id # | The account has the id #.
{delete|remove}_{file|document} | Delete a file | {path|name|file}:file, {permanent|force}?:flag | Delete <path>[permanent:  permanently] | deleted | <path> is deleted.
{read|open|show}_file | Read a file | {path|file|name}:file, {lines|max_lines|limit}?:small | {Show|Read|Open|What is in} <path>[lines: , <lines> lines]? | # lines | <path> has # lines.
{list|show|get}_files | List the files of a folder | {folder|path|directory}:folder, {kind|extension|type}?:extension | {List|Show|Which} {the |}[kind: <kind> ]files in <folder> | # files | There are # files in <folder>.
{query|search}_{database|orders} | Search the orders | {status|state}:status, {limit|count|max}?:small, {since|after|from_date}?:isodate | {Show|List|Find} {the |}<status> orders[since:  since <since>][limit: , at most <limit>] | # orders | There are # <status> orders.
{area_of_rectangle|rectangle_area|rectangle} | Area of a rectangle | {width|w|a}:number, {height|h|b}:number2 | {What is the area of|Area of} a rectangle {<width> wide and <height> high|<width> by <height>}? | # | The area is #.
{bmi|body_mass_index|calculate_bmi} | Body mass index | {weight|kg|mass}:weight, {height|cm|size}:height | {My BMI: I'm|What is my BMI? I am|BMI of someone} <height> cm {tall |}and {weigh |}<weight> kg | #.5 | The BMI is #.5.
{loan|mortgage|monthly}_{payment|rate} | Monthly payment of a loan | {amount|principal|sum}:bigmoney, {rate|interest}:rate, {years|term}:years | {What do I pay a month|Monthly payment} for a loan of <amount> at <rate>% over <years> years? | #.5 | You pay #.5 a month.
{rate|review}_{product|item} | Give a product some stars | {product|item|name}:product, {stars|rating|score}:stars, {comment|text}?:sentence | {Give|Rate} <product> <stars> stars[comment: : "<comment>"] | saved | <product> got <stars> stars.
{check|get}_{stock|inventory|availability} | How many pieces are in stock | {product|item|sku}:product, {store|city|branch}?:city | {Is|Are there|Do we have} <product> in stock[store:  in <store>]? | # left | There are # left.
{add|put}_to_{cart|basket} | Put something into the shopping basket | {product|item|article}:product, {quantity|count|amount}:small | {Put|Add} <quantity> <product> {into|to} my {cart|basket} | # items in the basket | Done. There are # items in the basket.
{get|show}_{exchange_|}rate | Exchange rate of two currencies | {base|from|a}:currency, {quote|to|b}:currency2 | {What is the|Show the} exchange rate {from|of} <base> to <quote>? | #.5 | The rate is #.5.
{define|look_up_word|dictionary} | Meaning of a word | {word|term}:word, {language|in}?:language | {What does "<word>" mean|Define <word>}[language:  in <language>]? | a thing with # sides | <word>: a thing with # sides.
{synonyms|find_synonyms|thesaurus} | Words that mean the same | {word|term}:word, {count|limit|max}?:small | {Give me|Find|List}[count:  <count>] synonyms {of|for} <word> | nice, fine | They are: nice, fine.
{log|record|track}_{workout|exercise|run} | Note a workout | {sport|kind|activity}:sport, {minutes|duration}:minutes, {calories|kcal}?:calories | {Log|Note} <minutes> minutes of <sport>[calories: , <calories> calories] | saved | Noted: <minutes> minutes of <sport>.
{poll|create_poll|start_vote} | Start a poll | {question|title}:question, {options|choices|answers}:options | {Start|Create} a poll "<question>" with {the options |}<options> | poll # | Poll # is open.
{tag|label}_{photo|image|note} | Put tags on a {photo|note} | {id|number|photo}:id, {tags|labels|words}:tags | Tag {photo|note|number} <id> with <tags> | ok | Tagged with <tags>.
{invite|add_people|add_members} | Invite people | {people|names|members}:people, {event|to|group}:event | Invite <people> to <event> | # invited | They are invited.
{average_of|mean_of|mean} | Average of numbers | {values|numbers|data}:numbers | {Average|Mean} of <values>? | #.5 | The average is #.5.
{get|find|show}_{sunrise|sunset|moon_phase} | Sun and moon of a day | {city|place|location}:city, {date|day}?:isodate | {When is sunset|Sunrise|The moon} in <city>[date:  on <date>]? | 06:#0 | At 06:#0.
{set|change}_{language|theme|mode} | Change a setting of the app | {value|to|name}:theme | {Change|Switch|Set} {it|the app|the theme} to <value> | ok | It is <value> now.
{resize|scale}_image | Change the size of a picture | {file|path|image}:file, {width|w}:pixels, {height|h}:pixels2, {keep_ratio|proportional}?:flag | Resize <file> to <width> {by|x} <height>[keep_ratio:  keeping the proportions] | saved | <file> is now <width>x<height>.
{deploy|release|restart}_{service|app|server} | Deploy a service | {service|app|name}:service, {environment|env|stage}:env, {version|tag}?:version | Deploy <service>[version:  version <version>] to <environment> | build # | It is on <environment>, build #.
{open|create|file}_{ticket|issue|bug} | Open a ticket | {title|subject|summary}:topic, {priority|severity|level}:level, {assignee|owner|for}?:person | Open a <priority> priority ticket about <title>[assignee:  for <assignee>] | T-# | It is ticket T-#.
{transfer|send|pay}_{money|funds} | Send money | {amount|sum|value}:money, {to|recipient|payee}:person, {currency|unit}?:currency, {note|reference|memo}?:topic | {Send|Pay|Transfer} <to> <amount>[currency:  <currency>][note:  for <note>] | done, reference # | Sent, reference #.
{plan|calculate|get}_{trip_cost|fuel_cost|fuel} | Fuel for a trip | {km|distance|kilometres}:number, {consumption|litres_per_100km|usage}:rate, {price|price_per_litre}:rate2 | Fuel for <km> km at <consumption> litres per 100 km and a price of <price> | # | It costs #.
{velocity|final_speed|speed_after} | Speed after accelerating | {initial|start_speed|v0}:restnumber, {acceleration|a}:rate, {seconds|time|t}:number | How fast is {it|a car|something} after <seconds> seconds {starting |}<initial> with an acceleration of <acceleration>? | # m/s | It is # m/s.
{random_|pick_|}{name|pet_name|nickname} | Invent a name | {kind|for|species}:animal, {count|number|how_many}?:small, {letter|initial|starts_with}?:letter | {Invent|Suggest}[count:  <count>] names for a <kind>[letter:  beginning with <letter>] | Bo, Lu | How about Bo, Lu?
{water|feed}_{plants|garden|cat|fish} | Water or feed | {liters|amount|portions}:small, {time|at|when}?:time | {Give the garden|Water the plants with|Use} <liters> {liters|portions}[time:  at <time>] | ok | Done.
{get|find}_{population|capital|area|flag} | Facts about a country | {country|name|of}:country | {What is the population|The capital|Population|Look up the area} of <country>? | # | It is #.
{score|result|match}_{of|lookup|today} | Result of a {match|game} | {team|club|name}:team, {season|year}?:year | {How did <team> play|Result of <team>|Did <team> win}[season:  in <season>]? | 3 to # | <team>: 3 to #.
""".strip()

SAYINGS = """
{Hi|Hello|Hey|hi}{!|.| there|} => {Hello! What can I do for you?|Hi! How can I help?}
{Thanks|Thank you|thanks a lot|Great, thanks|thx}{!|.|} => {You're welcome.|Glad to help.}
{Who are you|What are you|What's your name}? => I'm a small assistant that can call tools and answer questions.
{What can you do|How can you help me|What are you able to do}? => I can answer questions and use the tools that are on.
{How are you|How's it going}{?| today?} => I'm fine, thank you. What can I do for you?
{Bye|Goodbye|See you}{!|.|} => Goodbye!
{What is|What's} the capital of {France|France} {?|} => The capital of France is Paris.
What is the capital of {Italy|Italy}? => The capital of Italy is Rome.
{What's|What is} the capital of Japan? => The capital of Japan is Tokyo.
{Which is|What is} the capital of Egypt? => The capital of Egypt is Cairo.
{What's|Name} the capital of Canada{?|} => The capital of Canada is Ottawa.
Who {wrote|is the author of} Romeo and Juliet? => William Shakespeare wrote Romeo and Juliet.
Who {painted|made} the Mona Lisa? => Leonardo da Vinci painted the Mona Lisa.
{Why|why} is the sky blue? => Air scatters blue light more than red light, so the sky looks blue.
{What is|Explain|Tell me about} photosynthesis{?|} => Plants use light to make sugar from water and carbon dioxide, and give off oxygen.
{What is|Explain} gravity{?|} => Gravity is the force with which masses attract each other.
{What is|What's} {DNA|dna}? => DNA is the molecule that carries the genetic information of living things.
{What is|Explain} {machine learning|ML}{?|} => Machine learning is making programs that learn rules from examples.
{What does|What is the meaning of} the word {"eager"|eager}{ mean|}? => Eager means wanting something very much.
{Write|Make up|Compose} a {haiku|short poem} about {the sea|water}{.|} => Waves fold into foam,\\nthe grey gull leans on the wind,\\nsalt upon the stones.
{Write|Compose} a {poem|haiku} about {autumn|fall} => Leaves let go at last,\\na slow gold rain on the path,\\nthe year breathes out cold.
{Tell me a joke|Make me laugh|tell a joke|Know a joke?} => Why did the bicycle fall over? It was two tired.
{Tell me a|Write a short|Invent a} story about a {cat|kitten} => A small cat found a warm window. Every day she watched the street, and every evening her friend came home and opened the door.
{Give me|Suggest} {some|three} tips {to sleep better|for better sleep} => Go to bed at the same time every day, keep the room dark and cool, and put screens away an hour before.
{How do I|How to|What is the best way to} boil an egg? => Put it into boiling water: six minutes for a soft egg, ten for a hard one.
{Is|is} a tomato a fruit{ or a vegetable|}? => Botanically a tomato is a fruit; in the kitchen it counts as a vegetable.
{Should I|Is it good to} drink {water|enough water}? => Yes, drinking enough water is good for you.
{What color|Which colour} {do you get|comes} when you mix {blue and yellow|yellow and blue}? => Blue and yellow make green.
{How many legs does a spider have|How many legs has a spider}? => A spider has eight legs.
{What is|Explain} the difference between {weather and climate|climate and weather}{?|} => Weather is what happens today; climate is the average over many years.
{What is|Explain what is} a prime number{?|} => A prime number is a whole number above one that only one and itself divide.
What is a {histogram|bar chart}? => It is a chart of bars whose heights show how much or how many.
{What is|Explain} Python{?| used for?} => Python is a programming language for web sites, data, science and much more.
{What do you think of|Do you like} {music|jazz}? => I can't hear music, but many people love it.
{I feel sad|I am sad|I had a bad day}{ today|}{.|} => I'm sorry to hear that. Do you want to talk about it?
{I like|I love} {dogs|hiking|chess}{.|!} => That's nice! What do you like most about it?
{Rewrite|Correct|Fix the grammar}: {he go to school|he go to school yesterday} => He goes to school.
{Correct|Fix} this sentence: she don't like apples => She doesn't like apples.
What is the opposite of {hot|hot}? => The opposite of hot is cold.
{Name|Give me} {a few|three} fruits => Apple, banana, cherry.
{Name|List} {the|} {planets|planets of the solar system}{.|} => Mercury, Venus, Earth, Mars, Jupiter, Saturn, Uranus and Neptune.
{你好|你好！|嗨} => 你好！有什么可以帮你？
{谢谢|谢谢你|多谢} => 不客气。
{你是谁|你叫什么名字}？ => 我是一个会使用工具的小助手。
{你能做什么|你会什么}？ => 我可以回答问题，也可以调用工具。
{法国|法国}的首都是哪里？ => 法国的首都是巴黎。
天空为什么是蓝色的？ => 空气散射蓝光比红光多，所以天空看起来是蓝色的。
{讲个笑话|说个笑话吧} => 自行车为什么倒了？因为它太“累”了。
{What is|Explain} {a black hole|black holes}{?|} => A black hole is a place where gravity is so strong that not even light gets out.
{Who was|Tell me about|Who is} Albert Einstein{?|} => Albert Einstein was a physicist who found the theory of relativity.
{Who was|Who is} Marie Curie? => Marie Curie was a scientist who studied radioactivity and won two Nobel prizes.
{What is|Explain} {inflation|economic inflation}{?|} => Inflation means that prices rise and money buys less.
{How does|Explain how} a rainbow {form|forms|come about}{?|} => Sunlight is bent and split into colours by drops of water.
{Can you help me|I need help|Help} {?|} => Of course. What do you need?
{ok|OK|Okay|I see|Good}{.|} => {Is there anything else?|Good. What next?}
""".strip()

IMPOSSIBLE = """
{Order|Get} me a {pizza|sandwich|coffee} => order food
{Send|Write} an e-mail to {Anna|my boss|Tom} => send e-mails
{Call|Phone|Ring} {my mother|Peter|the office} => make phone calls
{Turn|Switch} {on|off} the {lights|heating|TV} => control your devices
{Book|Reserve} a {table|flight|hotel}{ for tomorrow| in Rome|} => make bookings
{Play|Put on} {some music|a song|jazz} => play music
{Set|Start} {an alarm|a timer} {for 7|for ten minutes} => set alarms
{Post|Tweet} {this|something} for me => post messages
{Transfer|Send|Pay} {100|50} {euros|dollars} to {Ben|my landlord} => move money
{Buy|Order} {me |}{new shoes|tickets|a book} => buy things
{Delete|Remove} {all my files|my account} => delete that
{Read|Check|Open} my {e-mails|mail|messages} => read your messages
{What is on my calendar|What are my appointments} {today|tomorrow}? => see your calendar
{Remind me|Set a reminder} to {call Anna|water the plants} => set reminders
{Unlock|Lock} the {door|car} => control doors
{Take|Make} a photo of {me|this room} => take photos
{Where is my|Track my} {parcel|package|phone} => track things
{帮我|请}{订一个披萨|订机票|打电话给妈妈|发邮件给老板} => zh
{把灯打开|打开空调|放一首歌} => zh
{What is the price of|How much is} {Apple|Tesla|Siemens} {stock|shares} {now|today}? => look up share prices
{What's|Show me} the {news|latest news}{ today|}{.|?} => read the news
{Who won|What was the score of} the {game|match} {last night|yesterday}? => look up results
""".strip()
