package clienttest_test

import (
	"context"
	"fmt"

	"cordon.example/client"
	"cordon.example/client/clienttest"
)

// restart is a part of a program that asks before it acts.
func restart(ctx context.Context, cordon client.Decider, user, product string) string {
	can, err := cordon.Can(ctx, user, client.ActionManage, client.OnProduct(product))
	switch {
	case err != nil:
		return "not now"
	case !can:
		return "no"
	}
	return "restarted"
}

// A test tells the fake what is allowed, and what it tells nothing of is denied.
func ExampleFake() {
	cordon := &clienttest.Fake{}
	cordon.Allow("alice", client.ActionManage, client.OnProduct("web-1"))
	fmt.Println(restart(context.Background(), cordon, "alice", "web-1"))
	fmt.Println(restart(context.Background(), cordon, "carl", "web-1"))
	cordon.Fail(client.ErrUnavailable)
	fmt.Println(restart(context.Background(), cordon, "alice", "web-1"))
	for _, q := range cordon.Asked() {
		fmt.Println(q.Subject.ID, q.Action.Name, q.Resource.ID)
	}
	// Output:
	// restarted
	// no
	// not now
	// alice manage web-1
	// carl manage web-1
	// alice manage web-1
}
