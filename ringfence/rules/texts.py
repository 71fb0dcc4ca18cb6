"""The first version of every text that is sent. Later versions are data, added on the page of the templates.

The translations are short on purpose. Before real use somebody who speaks the language reads them.
"""

from __future__ import annotations

from typing import NamedTuple

from ringfence.rules.messages import KINDS, Channel

SUBJECTS = {
    "en": {
        "invitation": "Please fill in a short form about your test",
        "missed": "We tried to call you",
        "isolation": "Please stay at home",
        "changed": "Your dates have changed",
        "ended": "You no longer need to stay at home",
        "digest": "((area)) this morning",
    },
    "pl": {
        "invitation": "Prosimy o wypełnienie krótkiego formularza",
        "missed": "Próbowaliśmy się z Tobą skontaktować",
        "isolation": "Prosimy pozostać w domu",
        "changed": "Twoje daty się zmieniły",
        "ended": "Nie musisz już pozostawać w domu",
    },
    "ur": {
        "invitation": "براہ کرم ایک مختصر فارم پُر کریں",
        "missed": "ہم نے آپ کو فون کیا تھا",
        "isolation": "براہ کرم گھر پر رہیں",
        "changed": "آپ کی تاریخیں بدل گئی ہیں",
        "ended": "اب آپ کو گھر پر رہنے کی ضرورت نہیں ہے",
    },
    "bn": {
        "invitation": "অনুগ্রহ করে একটি ছোট ফর্ম পূরণ করুন",
        "missed": "আমরা আপনাকে ফোন করেছিলাম",
        "isolation": "অনুগ্রহ করে বাড়িতে থাকুন",
        "changed": "আপনার তারিখ বদলেছে",
        "ended": "আপনাকে আর বাড়িতে থাকতে হবে না",
    },
    "gu": {
        "invitation": "કૃપા કરીને એક ટૂંકું ફોર્મ ભરો",
        "missed": "અમે તમને ફોન કર્યો હતો",
        "isolation": "કૃપા કરીને ઘરે રહો",
        "changed": "તમારી તારીખો બદલાઈ છે",
        "ended": "હવે તમારે ઘરે રહેવાની જરૂર નથી",
    },
    "pa": {
        "invitation": "ਕਿਰਪਾ ਕਰਕੇ ਇੱਕ ਛੋਟਾ ਫਾਰਮ ਭਰੋ",
        "missed": "ਅਸੀਂ ਤੁਹਾਨੂੰ ਫ਼ੋਨ ਕੀਤਾ ਸੀ",
        "isolation": "ਕਿਰਪਾ ਕਰਕੇ ਘਰ ਰਹੋ",
        "changed": "ਤੁਹਾਡੀਆਂ ਤਾਰੀਖਾਂ ਬਦਲ ਗਈਆਂ ਹਨ",
        "ended": "ਹੁਣ ਤੁਹਾਨੂੰ ਘਰ ਰਹਿਣ ਦੀ ਲੋੜ ਨਹੀਂ ਹੈ",
    },
}

BODIES = {
    "en": {
        "invitation": "Contact tracing: please fill in a short form about your recent test. It takes about 15 minutes: "
        "((link)) You need your date of birth. We never ask for money or passwords.",
        "missed": "Contact tracing: we tried to call you. We will call again between 8am and 8pm. Please answer: it is "
        "important for you and the people near you.",
        "isolation": "Please stay at home up to and including ((until)). Do not go to work, school or shops. If you need "
        "food, medicine or money, tell us when we call, or ask your council.",
        "changed": "Your dates have changed. Please stay at home up to and including ((until)).",
        "ended": "You no longer need to stay at home. Thank you.",
        "digest": "((area))\n\n((cases))\n\n((found))\n\n((actions))\n\nWhere, and what it rests on, is on your page: ((page))\n\n"
        "You get this each morning because you answer for the area; you can stop it at the foot of that page. It names nobody "
        "and no place, because emails are passed on.",
    },
    "pl": {
        "invitation": "Śledzenie kontaktów: prosimy o wypełnienie krótkiego formularza o Twoim ostatnim teście. Zajmie to "
        "około 15 minut: ((link)) Potrzebna jest data urodzenia. Formularz jest po angielsku. Jeśli wolisz rozmowę w "
        "swoim języku, poczekaj na nasz telefon. Nigdy nie prosimy o pieniądze ani hasła.",
        "missed": "Śledzenie kontaktów: próbowaliśmy się z Tobą skontaktować. Zadzwonimy ponownie między 8:00 a 20:00. "
        "Prosimy odebrać: to ważne dla Ciebie i Twoich bliskich.",
        "isolation": "Prosimy pozostać w domu do ((until)) włącznie. Nie wychodź do pracy, szkoły ani sklepu. Jeśli "
        "potrzebujesz jedzenia, leków lub pieniędzy, powiedz nam, gdy zadzwonimy, albo zapytaj w swoim urzędzie (council).",
        "changed": "Twoje daty się zmieniły. Prosimy pozostać w domu do ((until)) włącznie.",
        "ended": "Nie musisz już pozostawać w domu. Dziękujemy.",
    },
    "ur": {
        "invitation": "کانٹیکٹ ٹریسنگ: براہ کرم اپنے حالیہ ٹیسٹ کے بارے میں ایک مختصر فارم پُر کریں۔ اس میں تقریباً 15 منٹ "
        "لگتے ہیں: ((link)) آپ کو اپنی تاریخِ پیدائش کی ضرورت ہوگی۔ فارم انگریزی میں ہے۔ اگر آپ اپنی زبان میں بات کرنا "
        "چاہیں تو ہماری کال کا انتظار کریں۔ ہم کبھی پیسے یا پاس ورڈ نہیں مانگتے۔",
        "missed": "کانٹیکٹ ٹریسنگ: ہم نے آپ کو فون کیا تھا۔ ہم صبح 8 سے رات 8 بجے کے درمیان دوبارہ فون کریں گے۔ براہ کرم "
        "جواب دیں: یہ آپ اور آپ کے قریبی لوگوں کے لیے اہم ہے۔",
        "isolation": "براہ کرم ((until)) تک (یہ دن شامل ہے) گھر پر رہیں۔ کام، اسکول یا دکان پر نہ جائیں۔ اگر آپ کو کھانے، "
        "دوا یا پیسوں کی ضرورت ہو تو ہماری کال پر بتائیں یا اپنی کونسل سے پوچھیں۔",
        "changed": "آپ کی تاریخیں بدل گئی ہیں۔ براہ کرم ((until)) تک (یہ دن شامل ہے) گھر پر رہیں۔",
        "ended": "اب آپ کو گھر پر رہنے کی ضرورت نہیں ہے۔ آپ کا شکریہ۔",
    },
    "bn": {
        "invitation": "কন্টাক্ট ট্রেসিং: অনুগ্রহ করে আপনার সাম্প্রতিক পরীক্ষা সম্পর্কে একটি ছোট ফর্ম পূরণ করুন। প্রায় ১৫ মিনিট "
        "লাগবে: ((link)) আপনার জন্মতারিখ লাগবে। ফর্মটি ইংরেজিতে। নিজের ভাষায় কথা বলতে চাইলে আমাদের ফোনের জন্য "
        "অপেক্ষা করুন। আমরা কখনও টাকা বা পাসওয়ার্ড চাই না।",
        "missed": "কন্টাক্ট ট্রেসিং: আমরা আপনাকে ফোন করেছিলাম। সকাল ৮টা থেকে রাত ৮টার মধ্যে আবার ফোন করব। অনুগ্রহ করে "
        "ফোন ধরুন: এটি আপনার এবং আপনার কাছের মানুষদের জন্য জরুরি।",
        "isolation": "অনুগ্রহ করে ((until)) পর্যন্ত (সেই দিনসহ) বাড়িতে থাকুন। কাজে, স্কুলে বা দোকানে যাবেন না। খাবার, ওষুধ বা "
        "টাকার দরকার হলে আমরা ফোন করলে বলুন, অথবা আপনার কাউন্সিলকে জিজ্ঞাসা করুন।",
        "changed": "আপনার তারিখ বদলেছে। অনুগ্রহ করে ((until)) পর্যন্ত (সেই দিনসহ) বাড়িতে থাকুন।",
        "ended": "আপনাকে আর বাড়িতে থাকতে হবে না। আপনাকে ধন্যবাদ।",
    },
    "gu": {
        "invitation": "કોન્ટેક્ટ ટ્રેસિંગ: કૃપા કરીને તમારા તાજેતરના ટેસ્ટ વિશે એક ટૂંકું ફોર્મ ભરો. લગભગ 15 મિનિટ લાગશે: "
        "((link)) તમારે તમારી જન્મતારીખની જરૂર પડશે. ફોર્મ અંગ્રેજીમાં છે. તમારી ભાષામાં વાત કરવી હોય તો અમારા ફોનની "
        "રાહ જુઓ. અમે ક્યારેય પૈસા કે પાસવર્ડ માગતા નથી.",
        "missed": "કોન્ટેક્ટ ટ્રેસિંગ: અમે તમને ફોન કર્યો હતો. અમે સવારે 8 થી રાત્રે 8 વચ્ચે ફરી ફોન કરીશું. કૃપા કરીને "
        "જવાબ આપો: તે તમારા અને તમારી નજીકના લોકો માટે મહત્વનું છે.",
        "isolation": "કૃપા કરીને ((until)) સુધી (તે દિવસ સહિત) ઘરે રહો. કામ પર, શાળાએ કે દુકાને ન જાઓ. ખોરાક, દવા કે "
        "પૈસાની જરૂર હોય તો અમે ફોન કરીએ ત્યારે જણાવો અથવા તમારી કાઉન્સિલને પૂછો.",
        "changed": "તમારી તારીખો બદલાઈ છે. કૃપા કરીને ((until)) સુધી (તે દિવસ સહિત) ઘરે રહો.",
        "ended": "હવે તમારે ઘરે રહેવાની જરૂર નથી. આભાર.",
    },
    "pa": {
        "invitation": "ਕਾਂਟੈਕਟ ਟ੍ਰੇਸਿੰਗ: ਕਿਰਪਾ ਕਰਕੇ ਆਪਣੇ ਹਾਲ ਦੇ ਟੈਸਟ ਬਾਰੇ ਇੱਕ ਛੋਟਾ ਫਾਰਮ ਭਰੋ। ਲਗਭਗ 15 ਮਿੰਟ ਲੱਗਣਗੇ: ((link)) "
        "ਤੁਹਾਨੂੰ ਆਪਣੀ ਜਨਮ ਮਿਤੀ ਦੀ ਲੋੜ ਹੋਵੇਗੀ। ਫਾਰਮ ਅੰਗਰੇਜ਼ੀ ਵਿੱਚ ਹੈ। ਜੇ ਤੁਸੀਂ ਆਪਣੀ ਭਾਸ਼ਾ ਵਿੱਚ ਗੱਲ ਕਰਨੀ ਚਾਹੁੰਦੇ ਹੋ ਤਾਂ "
        "ਸਾਡੇ ਫ਼ੋਨ ਦੀ ਉਡੀਕ ਕਰੋ। ਅਸੀਂ ਕਦੇ ਪੈਸੇ ਜਾਂ ਪਾਸਵਰਡ ਨਹੀਂ ਮੰਗਦੇ।",
        "missed": "ਕਾਂਟੈਕਟ ਟ੍ਰੇਸਿੰਗ: ਅਸੀਂ ਤੁਹਾਨੂੰ ਫ਼ੋਨ ਕੀਤਾ ਸੀ। ਅਸੀਂ ਸਵੇਰੇ 8 ਤੋਂ ਰਾਤ 8 ਵਜੇ ਦੇ ਵਿਚਕਾਰ ਦੁਬਾਰਾ ਫ਼ੋਨ ਕਰਾਂਗੇ। ਕਿਰਪਾ "
        "ਕਰਕੇ ਜਵਾਬ ਦਿਓ: ਇਹ ਤੁਹਾਡੇ ਅਤੇ ਤੁਹਾਡੇ ਨੇੜੇ ਦੇ ਲੋਕਾਂ ਲਈ ਜ਼ਰੂਰੀ ਹੈ।",
        "isolation": "ਕਿਰਪਾ ਕਰਕੇ ((until)) ਤੱਕ (ਉਸ ਦਿਨ ਸਮੇਤ) ਘਰ ਰਹੋ। ਕੰਮ, ਸਕੂਲ ਜਾਂ ਦੁਕਾਨ ਤੇ ਨਾ ਜਾਓ। ਜੇ ਤੁਹਾਨੂੰ ਖਾਣੇ, ਦਵਾਈ ਜਾਂ "
        "ਪੈਸੇ ਦੀ ਲੋੜ ਹੈ ਤਾਂ ਸਾਡੇ ਫ਼ੋਨ ਤੇ ਦੱਸੋ ਜਾਂ ਆਪਣੀ ਕੌਂਸਲ ਨੂੰ ਪੁੱਛੋ।",
        "changed": "ਤੁਹਾਡੀਆਂ ਤਾਰੀਖਾਂ ਬਦਲ ਗਈਆਂ ਹਨ। ਕਿਰਪਾ ਕਰਕੇ ((until)) ਤੱਕ (ਉਸ ਦਿਨ ਸਮੇਤ) ਘਰ ਰਹੋ।",
        "ended": "ਹੁਣ ਤੁਹਾਨੂੰ ਘਰ ਰਹਿਣ ਦੀ ਲੋੜ ਨਹੀਂ ਹੈ। ਤੁਹਾਡਾ ਧੰਨਵਾਦ।",
    },
}

PRINTED = ("en", "pl")
"""Languages of letters: a printed letter has the letters of the Latin alphabet."""


class Text(NamedTuple):
    """A template as it is installed."""

    key: str
    channel: str
    language: str
    subject: str
    body: str


def first_texts() -> list[Text]:
    """Version 1 of every template."""
    return [
        Text(
            key,
            channel,
            code,
            "" if channel is Channel.TEXT else SUBJECTS[code][key],
            bodies[key],
        )
        for code, bodies in BODIES.items()
        for key, kind in KINDS.items()
        for channel in kind.channels
        if code in kind.languages and (channel is not Channel.LETTER or code in PRINTED)
    ]
