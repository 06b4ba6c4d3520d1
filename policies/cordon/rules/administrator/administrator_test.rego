package cordon.rules.administrator_test

import data.cordon.fixtures_test as given
import data.cordon.rules.administrator

test_product if {
	question := given.ask({"name": "manage"}, given.member("administrator"), given.item("web_hosting"))
	administrator.grant with input as question
}

test_organization if {
	question := given.ask({"name": "add_user"}, given.member("administrator"), given.organization)
	administrator.grant with input as question
}

test_profile_of_another if {
	question := given.ask({"name": "change_profile"}, given.member("administrator"), given.user("client"))
	administrator.grant with input as question
}

test_own_profile_is_a_member_s if {
	question := given.ask(
		{"name": "change_profile"},
		given.oneself("administrator"),
		given.user("administrator"),
	)
	not administrator.grant with input as question
}

test_reception_is_everyone_s if {
	question := given.ask(
		given.mail("receive_mail", "mail_web"),
		given.member("administrator"),
		given.item("mail_service"),
	)
	not administrator.grant with input as question
}

test_other_role if {
	question := given.ask(
		{"name": "manage"},
		given.member("legal_representative"),
		given.item("web_hosting"),
	)
	not administrator.grant with input as question
}

test_profile_by_other_role if {
	question := given.ask(
		{"name": "change_profile"},
		given.member("legal_representative"),
		given.user("client"),
	)
	not administrator.grant with input as question
}

test_agent if {
	question := given.ask(
		{"name": "manage"},
		object.union(given.outsider("agent"), {"role": "administrator"}),
		given.item("web_hosting"),
	)
	not administrator.grant with input as question
}

test_profile_by_agent if {
	question := given.ask(
		{"name": "change_profile"},
		object.union(given.outsider("agent"), {"role": "administrator"}),
		given.user("client"),
	)
	not administrator.grant with input as question
}
