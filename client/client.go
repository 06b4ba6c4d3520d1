// Package client is how other programs talk to a Cordon server.
//
// It holds the wire types of the HTTP API, so that a server and its callers cannot disagree about a
// name, and a small SDK over them. It needs the standard library only.
//
// Why the wire types are separate from what a store keeps: the API is a contract with callers that
// outlives any way of storing things, and a member that is added to a stored noun must not appear in
// an answer by accident.
package client
