package cordon.rules.unknown_resource_test

import data.cordon.fixtures_test as given
import data.cordon.rules.unknown_resource

test_type_without_table if {
	question := given.ask({"name": "view"}, given.member("administrator"), {"type": "planet", "known": true})
	unknown_resource.deny with input as question
}

test_thing_that_is_not_there if {
	question := given.ask({"name": "view"}, given.member("administrator"), {"type": "product", "known": false})
	unknown_resource.deny with input as question
}

test_thing_that_is_there if {
	question := given.ask({"name": "view"}, given.member("administrator"), given.item("web_hosting"))
	not unknown_resource.deny with input as question
}

test_channel_that_does_not_exist if {
	question := given.ask({"name": "use"}, given.member("administrator"), given.channel("pigeon"))
	unknown_resource.deny with input as question
}

test_channel_without_id if {
	question := given.ask({"name": "use"}, given.member("administrator"), {"type": "channel", "known": true})
	unknown_resource.deny with input as question
}

test_channel_that_exists if {
	question := given.ask({"name": "use"}, given.member("administrator"), given.channel("ftp"))
	not unknown_resource.deny with input as question
}

test_mail_by_channel_that_does_not_exist if {
	question := given.ask(
		given.mail("read_mail", "pigeon"),
		given.member("administrator"),
		given.item("mail_service"),
	)
	unknown_resource.deny with input as question
}

test_mail_by_no_channel if {
	question := given.ask({"name": "send_mail"}, given.member("administrator"), given.item("mail_service"))
	unknown_resource.deny with input as question
}

test_mail_by_channel_that_exists if {
	question := given.ask(
		given.mail("receive_mail", "imap"),
		given.member("administrator"),
		given.item("mail_service"),
	)
	not unknown_resource.deny with input as question
}
