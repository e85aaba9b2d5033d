"""The words that sandbox names and texts are made of.

They are chosen to expose careless handling of text: apostrophes, quotation marks,
umlauts, scripts from right to left, characters beyond the sixteenth bit, line breaks.
"""

FIRST_NAMES = (
    "Ada", "Åsa", "Bjørn", "Chloé", "D'Arcy", "Elif", "Fátima", "Grace", "Hélène", "Iñaki",
    "Jürgen", "Katarína", "László", "María José", "Niamh", "Øyvind", "Päivi", "Quentin",
    "Ramón", "Siobhán", "Tomáš", "Ülkü", "Věra", "Wim", "Xénia", "Yusuf", "Zoë", "太郎",
    "花子", "Сергей", "ليلى", "Νίκος",
)  # fmt: skip
LAST_NAMES = (
    "O'Neill", "Müller", "Groß", "Smith", "Nakamura", "山田", "Şahin", "Łukasiewicz",
    "d'Angelo", "van der Berg", "García Márquez", "Sørensen", "Ångström", "Novák", "Kowalska",
    "McDonald", "Fernández-Vega", "Иванова", "حداد", "Παππάς", "𠮷野", "Null", "True", "Lee",
)  # fmt: skip
COMPANY_STEMS = (
    "Northwind", "Contoso", "Fabrikam", "Adventure", "Litware", "Tailspin", "Proseware",
    "Wingtip", "Blauer Bär", "L'Étoile", "Østfold", "São Bento", 'The "Blue" Door', "O'Hara",
    "Grünwald", "山猫", "Ωmega", "A. Datum", "Fourth Coffee", "Südwind", "100% Pure",
    "Comma, Semi; & Sons", "Back\\slash", "𠮷野家",
)  # fmt: skip
COMPANY_TRADES = (
    "Traders", "Bikes", "Foods", "Toys", "Maschinenbau", "Consulting", "Chemicals", "Textiles",
    "Optik", "Logistics", "Books", "Instruments",
)  # fmt: skip
COMPANY_FORMS = ("Inc.", "Ltd", "GmbH & Co. KG", "S.à r.l.", "株式会社", "A/S", "S.A.", "LLC")
STREETS = (
    "Main Street", "Hauptstraße", "Rue de l'Église", "Calle Mayor", "桜通り", "Ørstedsgade",
    "Park Avenue", 'Lane "B"', "Kirchgasse", "Via dell'Arco",
)  # fmt: skip
CITIES = (
    ("Seattle", "US", "WA", "981"), ("Denver", "US", "CO", "802"), ("Chicago", "US", "IL", "606"),
    ("München", "DE", "BY", "803"), ("Köln", "DE", "NW", "506"), ("Dresden", "DE", "SN", "010"),
    ("東京", "JP", "13", "100"), ("大阪", "JP", "27", "530"), ("Zürich", "CH", "ZH", "800"),
    ("L'Aquila", "IT", "AQ", "671"), ("Málaga", "ES", "MA", "290"), ("Tunis", "TN", "11", "100"),
)  # fmt: skip
LANGUAGES = ("en-us", "en-gb", "de", "de-at", "fr", "ja", "it", "es", "da", "pl", "tr", "zh-hans")
CALLING_CODES = ("1", "49", "81", "41", "39", "34", "216", "44")
HOBBIES = ("chess", "climbing", 'tea; "proper" tea', "naps", "古書", "football", "l'opéra")
MEMOS = (
    "Pays on time.",
    "Ring first:\nthe door bell is broken.",
    'Asked for a "blue" quotation, twice.',
    "Lieferung nur vormittags;\r\nRampe an der Rückseite.",
    "年度末に請求書をまとめる。",
    "Tabs\tare\tkept, commas, too",
    "",
    "Prefers\n\nempty lines\n",
    "Owner's cousin works at 100% Pure \\ O'Hara.",
)
PRODUCT_NOUNS = (
    "Bolt", "Bracket", "Cable", "Chair", "Frame", "Gasket", "Lamp", "Pump", "Saddle", "Valve",
    "Wheel", "Zange",
)  # fmt: skip
PRODUCT_ADJECTIVES = ("Long", "Short", "Red", "Blue", "Heavy", "Light", 'Twenty-six"', "Größere")
