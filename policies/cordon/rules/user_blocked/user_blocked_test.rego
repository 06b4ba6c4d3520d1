package cordon.rules.user_blocked_test

import data.cordon.fixtures_test as given
import data.cordon.rules.user_blocked

test_management_is_denied if {
	question := given.ask(
		{"name": "unblock"},
		given.blocked("legal_representative", []),
		given.item("web_hosting"),
	)
	user_blocked.deny with input as question
}

test_not_blocked if {
	question := given.ask(
		{"name": "unblock"},
		given.member("legal_representative"),
		given.item("web_hosting"),
	)
	not user_blocked.deny with input as question
}

test_agent_is_never_blocked if {
	question := given.ask(
		{"name": "view"},
		object.union(given.outsider("agent"), {"blocked": true}),
		given.item("web_hosting"),
	)
	not user_blocked.deny with input as question
}

test_mail_is_received if {
	question := given.ask(
		given.mail("receive_mail", "mail_web"),
		given.blocked("client", []),
		given.item("mail_service"),
	)
	not user_blocked.deny with input as question
}

test_mail_by_critical_channel if {
	question := given.ask(
		given.mail("read_mail", "mail_web"),
		given.blocked("client", []),
		given.item("mail_service"),
	)
	user_blocked.deny with input as question
}

test_mail_by_named_channel if {
	question := given.ask(
		given.mail("send_mail", "smtp"),
		given.blocked("client", ["imap", "smtp"]),
		given.item("mail_service"),
	)
	user_blocked.deny with input as question with data.cordon.settings.additional_critical_channels as []
}

test_mail_by_open_channel if {
	question := given.ask(
		given.mail("send_mail", "smtp"),
		given.blocked("client", ["imap"]),
		given.item("mail_service"),
	)
	not user_blocked.deny with input as question with data.cordon.settings.additional_critical_channels as []
}

test_mail_by_channel_made_critical if {
	question := given.ask(
		given.mail("read_mail", "imap"),
		given.blocked("client", []),
		given.item("mail_service"),
	)
	user_blocked.deny with input as question with data.cordon.settings.additional_critical_channels as ["imap"]
}

test_mail_of_agent if {
	question := given.ask(
		given.mail("read_mail", "mail_web"),
		object.union(given.outsider("agent"), {"blocked": true}),
		given.item("mail_service"),
	)
	not user_blocked.deny with input as question
}

test_mail_of_member_in_force if {
	question := given.ask(
		given.mail("read_mail", "mail_web"),
		given.member("client"),
		given.item("mail_service"),
	)
	not user_blocked.deny with input as question
}

test_use_of_critical_channel if {
	question := given.ask({"name": "use"}, given.blocked("client", []), given.channel("manager"))
	user_blocked.deny with input as question
}

test_use_of_kdrive if {
	question := given.ask({"name": "use"}, given.blocked("client", []), given.channel("kdrive_web"))
	user_blocked.deny with input as question
}

test_use_of_open_channel if {
	question := given.ask({"name": "use"}, given.blocked("client", []), given.channel("ssh"))
	not user_blocked.deny with input as question with data.cordon.settings.additional_critical_channels as []
}

test_use_of_named_channel if {
	question := given.ask({"name": "use"}, given.blocked("client", ["ssh"]), given.channel("ssh"))
	user_blocked.deny with input as question with data.cordon.settings.additional_critical_channels as []
}

test_use_by_member_in_force if {
	question := given.ask({"name": "use"}, given.member("client"), given.channel("manager"))
	not user_blocked.deny with input as question
}

test_use_by_agent if {
	question := given.ask(
		{"name": "use"},
		object.union(given.outsider("agent"), {"blocked": true}),
		given.channel("manager"),
	)
	not user_blocked.deny with input as question
}
