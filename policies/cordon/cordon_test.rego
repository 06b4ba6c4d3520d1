package cordon_test

import data.cordon
import data.cordon.fixtures_test as given

test_deny_wins if {
	question := given.ask({"name": "manage"}, given.member("administrator"), given.held(given.item("domain"), ["host"]))
	cordon.decision == {"allowed": false, "reasons": {"product_blocked"}} with input as question
		with cordon.settings.administrators_manage_blocked_products as false
	cordon.grants == {"administrator"} with input as question
}

test_all_denials_are_said if {
	question := given.ask({"name": "manage"}, given.blocked("client", []), given.held(given.item("domain"), ["host"]))
	reasons := {"user_blocked", "not_granted", "product_blocked"}
	cordon.decision == {"allowed": false, "reasons": reasons} with input as question
}

test_a_grant_allows if {
	question := given.ask({"name": "manage"}, given.member("administrator"), given.item("domain"))
	cordon.decision == {"allowed": true, "reasons": {"administrator"}} with input as question
}

test_nothing_granted_means_no if {
	nothing := {"allowed": false, "reasons": {"unknown_action"}}
	cordon.decision == nothing with cordon.denials as set() with cordon.grants as set()
}
