// Package clienttest has a fake of a Cordon server's decisions, for the tests of programs that ask for them.
//
//	cordon := &clienttest.Fake{}
//	cordon.Allow("alice", client.ActionManage, client.OnProduct("web-1"))
//	shop := NewShop(cordon) // takes a client.Decider
//	...
//	asked := cordon.Asked() // what it was asked, in order
//
// It never says yes by itself: what no test told it is denied, with the reason [ReasonNotTold].
package clienttest
