// Package clienttest has a fake of a Cordon server, for the tests of programs that ask for decisions, and act.
//
//	fake := &clienttest.Fake{}
//	fake.Allow("alice", client.ActionManage, client.OnProduct("web-1"))
//	shop := NewShop(fake) // takes a client.Decider; fake.Client() is a whole *client.Client
//	...
//	asked := fake.Asked() // what it was asked, in order
//
// It never says yes by itself: what no test told it is denied, with the reason [ReasonNotTold]. What the program gets has
// gone through a real client, so errors, batches and searches are as they are in earnest.
package clienttest
