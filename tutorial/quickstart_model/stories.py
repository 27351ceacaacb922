"""The stories that problems are told in.

A story is `(text, variable, first, second)`. `text` has the slots {n} and {m} (two names), {i} (a thing, plural), {t} (a
time) and the numbers {a} {b} {c} {d}. `first` is the first step over these letters, kept in `variable`; `second` is what is
done with it, written with the variable's name, or None where one step is enough. The operators are + - * and //.
"""

NAMES = (
    "Anna Ben Carla David Elena Felix Grace Hugo Ivan Julia Karim Lena Marco Nadia Oscar Paula Quinn Rosa Simon Tara "
    "Umar Vera Wendy Yusuf Zoe Amir Bella Chen Diego Emma Farid Hana Igor Jonas Kate Liam Mei Nora Omar Petra Ravi Sofia "
    "Tom Uma Victor Yara"
).split()

THINGS = (
    "apples pears lemons plums eggs cups plates spoons books pens pencils stamps coins marbles cards buttons beads candles "
    "bricks nails screws bolts tiles ropes lamps chairs tables boxes bags bottles jars cookies muffins rolls tickets badges "
    "posters photos shells stones roses tulips seeds trees kites drums toys balls shirts socks hats scarves"
).split()

TIMES = ("On Monday", "On Friday", "Last week", "In May", "This year", "Today", "In winter", "At noon")

STORIES = (
    ("{n} packs {a} crates with {b} {i} in each and then finds {c} more {i}. How many {i} are there?", "packed", "a * b", "packed + c"),
    ("A shop orders {a} boxes of {b} {i}. {t} it sells {c} of them. How many {i} are left?", "ordered", "a * b", "ordered - c"),
    ("{t} {n} earns {a} dollars a day for {b} days and pays {c} dollars for tools. How many dollars remain?", "earned", "a * b", "earned - c"),
    ("There are {a} rows of {b} seats in a hall and {c} seats on the balcony. How many seats are there in all?", "seats", "a * b", "seats + c"),
    ("{n} has {a} {i} and {m} has {b} {i}. They sell each one for {c} dollars. How many dollars do they get?", "both", "a + b", "both * c"),
    ("A farm picks {a} kilos of fruit, throws away {b} kilos and sells the rest for {c} dollars a kilo. What does it earn?", "good", "a - b", "good * c"),
    ("{n} shares {a} {i} equally among {b} friends. How many {i} does each friend get?", "share", "a // b", None),
    ("{a} {i} are put into {b} equal bags, and then {c} {i} are added to one bag. How many {i} are in that bag?", "bag", "a // b", "bag + c"),
    ("{n} splits {a} dollars equally over {b} weeks and spends {c} dollars in the first week. What is left of that week?", "week", "a // b", "week - c"),
    ("A machine makes {a} {i} in {b} hours. How many {i} does it make in {c} hours?", "hourly", "a // b", "hourly * c"),
    ("{n} collects {a} {i} and {m} collects {b}. They divide them equally into {c} jars. How many {i} go into a jar?", "all", "a + b", "all // c"),
    ("Of {a} {i}, {b} are broken. The others fill {c} shelves equally. How many {i} stand on a shelf?", "whole", "a - b", "whole // c"),
    ("{n} has {a} {i}, loses {b} of them and then wins {c}. How many {i} does {n} have now?", "left", "a - b", "left + c"),
    ("A train carries {a} people. {b} get on and {c} get off. How many people are on the train?", "people", "a + b", "people - c"),
    ("{n} had {a} {i}. {t} {n} gave {b} to {m} and {c} to a school. How many {i} are left?", "left", "a - b", "left - c"),
    ("{n} reads {a} pages in spring, {b} in summer and {c} in autumn. How many pages is that?", "pages", "a + b", "pages + c"),
    ("{t} {n} buys {a} {i} for {b} dollars each. How many dollars does {n} pay?", "cost", "a * b", None),
    ("A town has {a} houses and builds {b} more. How many houses does it have then?", "houses", "a + b", None),
    ("{n} wants to save {a} dollars and has {b}. How many dollars are missing?", "missing", "a - b", None),
    ("{n} has {a} dollars and buys {b} {i} at {c} dollars each. How many dollars are left?", "cost", "b * c", "a - cost"),
    ("There are {a} {i} in a store. {t} {b} vans bring {c} {i} each. How many {i} are there now?", "brought", "b * c", "a + brought"),
    ("{n} runs {a} metres a lap for {b} laps, and {m} runs {c} metres in all. How many metres is that together?", "metres", "a * b", "metres + c"),
    ("{n} types {a} words a minute for {b} minutes and deletes {c} words. How many words are in the text?", "words", "a * b", "words - c"),
    ("A ticket costs {a} dollars and a meal {b} dollars. What do {c} guests pay for both?", "guest", "a + b", "guest * c"),
    ("A coat costs {a} dollars, but {n} gets {b} dollars off. What do {c} such coats cost {n}?", "price", "a - b", "price * c"),
    ("{n} pays {a} dollars for {b} {i}. What do {c} {i} cost?", "one", "a // b", "one * c"),
    ("A tank holds {a} litres. A pump takes out {b} litres an hour for {c} hours. How many litres are left?", "pumped", "b * c", "a - pumped"),
    ("{n} plants {a} rows with {b} roses each, then {c} of them die. How many roses live?", "planted", "a * b", "planted - c"),
    ("A teacher hands out {a} {i} to each of {b} pupils and keeps {c}. How many {i} were there at first?", "given", "a * b", "given + c"),
    ("A boat makes {a} trips with {b} people on each. How many people does it carry?", "carried", "a * b", None),
    ("{n} bakes {a} trays of {b} rolls and puts them equally into {c} baskets. How many rolls are in a basket?", "rolls", "a * b", "rolls // c"),
    ("{n} is paid {a} dollars and {m} is paid {b} dollars. {t} they spend {c}. How many dollars do they still have?", "paid", "a + b", "paid - c"),
    ("A film has {a} scenes of {b} seconds each. How many seconds long is the film?", "seconds", "a * b", None),
    ("{a} {i} weigh {b} grams each, and the box weighs {c} grams. How many grams is that?", "grams", "a * b", "grams + c"),
    ("{n} cuts {a} metres of rope into {b} equal parts. How many metres long is a part?", "part", "a // b", None),
    ("A bus drives {a} kilometres a day. How far does it drive in {b} days, if it rests on {c} of them?", "days", "b - c", "a * days"),
    ("{n} fills {a} bags with {b} {i} and {m} fills {c} bags with {d} {i}. How many more {i} has {n} than {m}?", "mine", "a * b", "mine - c * d"),
    ("{a} adults pay {b} dollars each and {c} children pay {d} dollars each. How many dollars is that?", "adults", "a * b", "adults + c * d"),
)
