//! A small thesaurus of everyday customer messages, enough for the corpus in `fixtures/builtin`.
//!
//! Written for this project. It knows the forms it lists and no others, and keeps the close
//! classes of that corpus apart: no group holds words of both *lost* and *stolen*, or of both
//! *cancel* and *change*.

use super::{PartOfSpeech, Thesaurus};
use PartOfSpeech::{Adjective, Adverb, Noun, Verb};

/// The built-in thesaurus.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuiltIn;

impl Thesaurus for BuiltIn {
    fn identity(&self) -> &'static str {
        "built-in 1"
    }

    fn parts(&self, word: &str) -> Vec<PartOfSpeech> {
        let mut parts = Vec::new();
        for (part, _) in groups_of(word) {
            if !parts.contains(part) {
                parts.push(*part);
            }
        }
        parts
    }

    fn synonyms(&self, word: &str, part: PartOfSpeech) -> Vec<String> {
        let groups = groups_of(word).filter(|group| group.0 == part);
        groups.flat_map(|(_, words)| words.iter().map(|it| (*it).to_owned())).collect()
    }
}

type Group = (PartOfSpeech, &'static [&'static str]);

fn groups_of(word: &str) -> impl Iterator<Item = &'static Group> {
    GROUPS.iter().filter(move |(_, words)| words.contains(&word))
}

/// Words that can stand for each other; where a word stands in two groups, its likelier part of
/// speech comes first.
const GROUPS: &[Group] = &[
    (Noun, &["parcel", "package", "shipment"]),
    (Noun, &["parcels", "packages", "shipments"]),
    (Noun, &["delivery", "shipment", "consignment"]),
    (Noun, &["box", "carton", "case"]),
    (Noun, &["order", "purchase"]),
    (Verb, &["order", "request"]),
    (Verb, &["ordered", "requested"]),
    (Noun, &["orders", "purchases"]),
    (Noun, &["refund", "repayment", "reimbursement"]),
    (Verb, &["refund", "repay", "reimburse"]),
    (Verb, &["refunded", "repaid", "reimbursed"]),
    (Noun, &["money", "cash", "funds"]),
    (Noun, &["amount", "sum", "total"]),
    (Noun, &["payment", "remittance", "transfer"]),
    (Noun, &["account", "profile"]),
    (Noun, &["login", "sign in"]),
    (Noun, &["password", "passcode"]),
    (Noun, &["email", "mail", "message"]),
    (Noun, &["message", "note", "letter"]),
    (Noun, &["link", "hyperlink"]),
    (Noun, &["page", "site", "screen"]),
    (Noun, &["app", "application", "program"]),
    (Noun, &["error", "fault", "failure"]),
    (Noun, &["mistake", "error", "slip"]),
    (Noun, &["trouble", "difficulty", "bother"]),
    (Noun, &["code", "key"]),
    (Noun, &["phone", "telephone", "mobile"]),
    (Noun, &["laptop", "notebook", "portable"]),
    (Noun, &["computer", "machine"]),
    (Noun, &["address", "location"]),
    (Noun, &["street", "road"]),
    (Noun, &["house", "home", "residence"]),
    (Noun, &["shop", "store"]),
    (Noun, &["market", "bazaar"]),
    (Noun, &["supermarket", "grocery"]),
    (Noun, &["restaurant", "diner"]),
    (Noun, &["cafe", "coffee shop"]),
    (Noun, &["hotel", "inn"]),
    (Noun, &["office", "workplace"]),
    (Noun, &["cinema", "movie theater"]),
    (Noun, &["film", "movie"]),
    (Noun, &["beach", "shore"]),
    (Noun, &["holiday", "vacation"]),
    (Noun, &["taxi", "cab"]),
    (Noun, &["car", "automobile"]),
    (Noun, &["tram", "streetcar"]),
    (Noun, &["bus", "coach"]),
    (Noun, &["driver", "courier", "carrier"]),
    (Noun, &["friend", "pal", "mate"]),
    (Noun, &["mother", "mom"]),
    (Noun, &["stranger", "unknown person"]),
    (Noun, &["thief", "robber", "pickpocket"]),
    (Noun, &["man", "fellow", "guy"]),
    (Noun, &["customer", "client", "buyer"]),
    (Noun, &["team", "staff", "crew"]),
    (Noun, &["company", "firm", "business"]),
    (Noun, &["bag", "sack", "pouch"]),
    (Noun, &["wallet", "billfold"]),
    (Noun, &["purse", "handbag"]),
    (Noun, &["backpack", "rucksack", "knapsack"]),
    (Noun, &["jacket", "coat"]),
    (Noun, &["rug", "carpet"]),
    (Noun, &["lamp", "light"]),
    (Noun, &["chair", "seat"]),
    (Noun, &["desk", "writing table"]),
    (Noun, &["bookshelf", "bookcase"]),
    (Noun, &["blender", "mixer"]),
    (Noun, &["kettle", "boiler"]),
    (Noun, &["basket", "cart"]),
    (Noun, &["evening", "night"]),
    (Noun, &["rest", "remainder"]),
    (Noun, &["part", "portion", "piece"]),
    (Noun, &["news", "word", "information"]),
    (Noun, &["way", "manner"]),
    (Noun, &["hurry", "rush", "haste"]),
    (Noun, &["number", "figure"]),
    (Verb, &["help", "assist", "support"]),
    (Verb, &["helped", "assisted", "supported"]),
    (Verb, &["answer", "reply", "respond"]),
    (Noun, &["answer", "reply", "response"]),
    (Verb, &["answered", "replied", "responded"]),
    (Verb, &["tell", "inform", "let know"]),
    (Verb, &["told", "informed"]),
    (Verb, &["ask", "request"]),
    (Verb, &["asked", "requested"]),
    (Verb, &["need", "require"]),
    (Verb, &["want", "wish", "desire"]),
    (Verb, &["wants", "wishes", "desires"]),
    (Verb, &["know", "understand"]),
    (Verb, &["think", "believe", "suppose"]),
    (Verb, &["thought", "believed", "supposed"]),
    (Verb, &["hope", "trust", "expect"]),
    (Verb, &["try", "attempt"]),
    (Noun, &["tries", "attempts"]),
    (Verb, &["send", "ship", "dispatch"]),
    (Verb, &["sent", "shipped", "dispatched"]),
    (Verb, &["get", "receive", "obtain"]),
    (Verb, &["got", "received", "obtained"]),
    (Verb, &["bought", "purchased"]),
    (Verb, &["pay", "settle"]),
    (Verb, &["paid", "settled"]),
    (Verb, &["arrive", "come", "turn up"]),
    (Verb, &["arrived", "came", "turned up"]),
    (Verb, &["comes", "arrives", "turns up"]),
    (Verb, &["wait", "hold on"]),
    (Verb, &["waited", "held on"]),
    (Verb, &["bring", "carry"]),
    (Verb, &["find", "locate"]),
    (Verb, &["found", "located"]),
    (Verb, &["looked", "searched"]),
    (Verb, &["lost", "misplaced", "mislaid"]),
    (Verb, &["lose", "misplace", "mislay"]),
    (Verb, &["dropped", "let fall"]),
    (Verb, &["stolen", "robbed", "snatched"]),
    (Verb, &["block", "freeze", "lock"]),
    (Verb, &["locked", "blocked", "frozen"]),
    (Verb, &["cancel", "call off", "annul"]),
    (Verb, &["cancelled", "called off", "annulled"]),
    (Verb, &["stop", "halt"]),
    (Verb, &["change", "alter", "modify"]),
    (Verb, &["changed", "altered", "modified"]),
    (Verb, &["swap", "exchange", "switch"]),
    (Verb, &["correct", "fix", "mend"]),
    (Verb, &["remove", "delete", "take out"]),
    (Verb, &["reset", "renew"]),
    (Verb, &["choose", "select", "pick"]),
    (Verb, &["enter", "type in"]),
    (Verb, &["type", "key in"]),
    (Verb, &["refuses", "rejects", "declines"]),
    (Verb, &["shows", "displays"]),
    (Verb, &["happens", "occurs"]),
    (Verb, &["happened", "occurred"]),
    (Verb, &["takes", "needs"]),
    (Verb, &["begin", "start"]),
    (Verb, &["started", "begun"]),
    (Verb, &["confirmed", "acknowledged"]),
    (Verb, &["promised", "assured"]),
    (Verb, &["broke", "failed"]),
    (Verb, &["moved", "relocated"]),
    (Verb, &["remember", "recall", "recollect"]),
    (Verb, &["appreciate", "value", "welcome"]),
    (Verb, &["check", "verify", "examine"]),
    (Verb, &["write", "compose"]),
    (Verb, &["called", "rang", "phoned"]),
    (Verb, &["said", "stated"]),
    (Verb, &["thank", "give thanks"]),
    (Verb, &["sort", "settle"]),
    (Adjective, &["missing", "gone"]),
    (Adjective, &["broken", "damaged", "faulty"]),
    (Adjective, &["wrong", "incorrect", "mistaken"]),
    (Adjective, &["right", "correct", "proper"]),
    (Adjective, &["new", "fresh"]),
    (Adjective, &["old", "former", "previous"]),
    (Adjective, &["late", "delayed", "overdue"]),
    (Adjective, &["large", "big", "sizable"]),
    (Adjective, &["small", "little", "tiny"]),
    (Adjective, &["whole", "entire", "complete"]),
    (Adjective, &["empty", "blank"]),
    (Adjective, &["good", "fine", "nice"]),
    (Adjective, &["great", "excellent", "splendid"]),
    (Adjective, &["easy", "simple"]),
    (Adjective, &["urgent", "pressing"]),
    (Adjective, &["worried", "anxious", "concerned"]),
    (Adjective, &["annoyed", "irritated", "cross"]),
    (Adjective, &["upset", "distressed"]),
    (Adjective, &["glad", "happy", "pleased"]),
    (Adjective, &["sorry", "regretful"]),
    (Adjective, &["careless", "inattentive"]),
    (Adjective, &["possible", "feasible"]),
    (Adjective, &["usual", "normal", "customary"]),
    (Adjective, &["different", "unlike"]),
    (Adjective, &["cheaper", "less expensive"]),
    (Adjective, &["quick", "fast", "speedy"]),
    (Adjective, &["dear", "beloved"]),
    (Adjective, &["grey", "gray"]),
    (Adverb, &["soon", "shortly", "before long"]),
    (Adverb, &["earlier", "previously"]),
    (Adverb, &["today", "this day"]),
    (Adverb, &["twice", "two times"]),
    (Adverb, &["really", "truly", "actually"]),
    (Adverb, &["probably", "likely", "presumably"]),
    (Adverb, &["elsewhere", "in another place"]),
    (Adverb, &["instead", "in its place"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_offers_something_in_lower_case_letters_and_single_spaces() {
        for (_, words) in GROUPS {
            assert!(1 < words.len(), "{words:?}");
            for word in *words {
                let plain =
                    |part: &str| !part.is_empty() && part.bytes().all(|it| it.is_ascii_lowercase());
                assert!(word.split(' ').all(plain), "{word}");
            }
        }
    }

    #[test]
    fn close_classes_of_the_built_in_corpus_are_kept_apart() {
        for [left, right] in [
            ["lost", "stolen"],
            ["cancel", "change"],
            ["cancelled", "changed"],
            ["cancel", "swap"],
            ["late", "old"],
        ] {
            let together = |words: &[&str]| words.contains(&left) && words.contains(&right);
            assert!(!GROUPS.iter().any(|(_, words)| together(words)), "{left}, {right}");
        }
    }

    #[test]
    fn word_of_two_parts_of_speech_has_the_likelier_one_first() {
        assert_eq!(BuiltIn.parts("order"), [Noun, Verb]);
        assert_eq!(BuiltIn.synonyms("order", Verb), ["order", "request"]);
        assert!(BuiltIn.parts("xyzzy").is_empty());
    }
}
