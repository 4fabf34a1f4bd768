//! The words that all classes share: greetings, times, places, goods, and what people add.
//!
//! `aside` names the topics of other classes on purpose, so that no single word gives a class away.

use super::grammar::Slot;

/// How a message is put together around what it asks (`{ask}` is the class's own).
pub(crate) const FRAMES: &[&str] = &[
    "{ask}",
    "{ask}. {closing}",
    "{greeting} {ask}",
    "{greeting} {ask}. {closing}",
    "{ask}. {aside}",
    "{aside}. {ask}",
    "{aside}, but today it is something else: {ask}",
    "{greeting} {aside}. {ask}",
    "{context}, {ask}",
    "{context}, {ask}. {closing}",
    "{ask}. {feeling}",
    "{feeling}. {ask}",
    "{greeting} {ask}. {feeling}. {closing}",
];

/// Frames that name what the close partner class asks (`{other}`) beside what is asked here.
///
/// They make the words of both classes of a pair stand in one message, so that only the order and
/// the words around them tell which one is meant.
pub(crate) const PAIR_FRAMES: &[&str] = &[
    "you answered as if I had written: {other}. My message was: {ask}",
    "my message was: {ask}. You answered as if I had written: {other}",
    "{ask}. I do not mean this: {other}",
    "I do not mean this: {other}. {ask}",
    "my neighbour wrote to you: {other}. I write because: {ask}",
    "I write because: {ask}. My neighbour wrote to you: {other}",
    "last time it was: {other}. This time: {ask}",
    "this time: {ask}. Last time it was: {other}",
];

/// Slots any class may use.
pub(crate) const SHARED: &[Slot] = &[
    (
        "greeting",
        &["hello,", "hi,", "hi there,", "good morning,", "dear team,", "hey,", "good evening,"],
    ),
    (
        "closing",
        &[
            "thank you",
            "thanks a lot",
            "please (help|answer soon|get back to me)",
            "what (can|should) I do (now|next)",
            "can (you|somebody|someone) help",
            "many thanks, {person}",
            "I would (be glad of|appreciate) a quick answer",
            "please tell me what happens (next|now)",
            "let me know if you need (more|my number|anything else)",
        ],
    ),
    (
        "context",
        &[
            "I am (a customer|with you) since (last year|{month})",
            "as I (wrote|said) {when}",
            "sorry to (bother you|write again)",
            "I (called|rang|wrote) {when} and (nobody answered|was told to write here)",
            "I am (travelling|on holiday|at work) (right now|this week)",
            "my (wife|husband|son|daughter|mother) asked me to write",
            "this is about (number|reference) {number}",
        ],
    ),
    (
        "feeling",
        &[
            "I am (a bit|rather|very) (worried|annoyed|upset)",
            "this is (urgent|really urgent|not so urgent)",
            "this has never happened (before|to me)",
            "I (do not|don't) know what else to (do|try)",
            "it is the (second|third) time this (month|year)",
            "I (hope|trust) you can sort this out",
            "I am not in a hurry",
        ],
    ),
    (
        "aside",
        &[
            "my last (order|parcel|delivery) (was fine|came late too)",
            "I (did|had to) reset my password (last week|{when}) to write this",
            "you (refunded|paid back) another {item} (without trouble|in {month})",
            "I already changed my address with you in {month}",
            "(last year|in {month}) I lost a card and you were quick",
            "a friend had (his|her) card stolen and you helped",
            "I (cancelled|changed) an order once and it was easy",
            "I can log in (again|now), thanks for that",
            "the {item} I (got|bought) in {month} is (great|still good)",
        ],
    ),
    ("person", &["Anna", "Tom", "Maria", "Ben", "Priya", "Luca", "Ida", "Omar", "Ruth", "Jonas"]),
    (
        "month",
        &["January", "February", "March", "April", "May", "June", "August", "October", "December"],
    ),
    ("day", &["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]),
    (
        "when",
        &[
            "yesterday",
            "this morning",
            "last night",
            "on {day}",
            "two days ago",
            "last week",
            "earlier today",
            "a week ago",
            "{few} days ago",
        ],
    ),
    ("few", &["three", "four", "five", "six", "ten"]),
    ("number", &["4471", "1208", "9035", "7716", "3382", "5590", "2647", "8104"]),
    (
        "item",
        &[
            "lamp",
            "jacket",
            "kettle",
            "pair of shoes",
            "desk",
            "phone case",
            "coat",
            "blender",
            "backpack",
            "rug",
            "toaster",
            "keyboard",
            "bookshelf",
            "chair",
        ],
    ),
    ("colour", &["blue", "red", "green", "black", "white", "grey"]),
    ("size", &["small", "medium", "large", "extra large"]),
    (
        "street",
        &["Mill Lane", "Station Road", "Park Street", "Church Hill", "Harbour Way", "Oak Avenue"],
    ),
    ("house", &["12", "7", "48", "103", "5", "31", "26"]),
    (
        "place",
        &[
            "on the (train|bus|tram)",
            "at the (gym|station|market|airport|office|cinema|beach)",
            "in a (taxi|shop|restaurant|bar|cafe)",
            "in the (park|supermarket|library|changing room)",
            "at a (concert|petrol station|hotel)",
        ],
    ),
    ("bag", &["bag", "pocket", "wallet", "purse", "coat", "backpack", "jacket"]),
    ("card", &["card", "bank card", "debit card", "credit card", "new card", "company card"]),
    ("parcel", &["parcel", "package", "order", "delivery", "box", "{item}"]),
    ("account", &["account", "profile", "login", "online account"]),
    ("order", &["order", "order {number}", "order for the {item}", "purchase", "{item} I ordered"]),
    ("money", &["money", "refund", "amount", "payment", "(20|35|60|110) euros"]),
    ("device", &["phone", "laptop", "tablet", "new computer", "old phone"]),
    (
        "please",
        &["please", "could you please", "can you", "could you", "would you", "I need you to"],
    ),
    (
        "wish",
        &[
            "I want to",
            "I would like to",
            "I need to",
            "can I",
            "could I",
            "I'd like to",
            "how do I",
        ],
    ),
];
