package cordon.subject_test

import data.cordon.fixtures_test as given
import data.cordon.subject

test_a_grant_is_a_user_s if {
	every role in ["client", "reader"] {
		host := object.union(given.granted(role), {"kind": "host"})
		question := given.ask({"name": "view"}, host, given.item("domain"))
		not subject.by_grant with input as question with data.cordon.words as given.words
	}
}

test_no_grant_gives_nothing if {
	every role in ["client", "reader"] {
		question := given.ask({"name": "view"}, given.member(role), given.item("domain"))
		not subject.by_grant with input as question with data.cordon.words as given.words
	}
}

test_a_role_is_a_user_s if {
	host := object.union(given.member("accountant"), {"kind": "host"})
	question := given.ask({"name": "view"}, host, given.item("domain"))
	not subject.by_role with input as question with data.cordon.words as given.words
}
