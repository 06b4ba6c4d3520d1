package mongo

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Collections.
const (
	directory  = "directory" // organizations, users, products and activations
	apiKeys    = "api_keys"
	supports   = "supports"
	answers    = "first_answers"
	procedures = "procedures"
	webhooks   = "webhooks"
	messages   = "messages"
	notes      = "notes"
	batches    = "batches"  // the log
	acts       = "acts"     // of the log
	streams    = "streams"  // its counts
	files      = "files"    // of the log
	chunks     = "chunks"   // what the larger of them hold, in pieces
	replicas   = "replicas" // who works on the database now; see [heartbeat]
	meta       = "meta"     // the version of the schema
)

// Prefixes of ids in the directory, which are its kinds as well.
const (
	organizationKind = "organization"
	userKind         = "user"
	productKind      = "product"
	activationKind   = "activation"
)

// key makes an _id of parts. All but the last are escaped, so that no two lists of parts make the same
// one, and the last is as it is, so that ids sort as the last part does.
func key(parts ...string) string {
	parts = slices.Clone(parts)
	last := len(parts) - 1
	for i, part := range parts[:last] {
		if strings.ContainsAny(part, "%/") {
			parts[i] = strings.ReplaceAll(strings.ReplaceAll(part, "%", "%25"), "/", "%2F")
		}
	}
	return strings.Join(parts, "/")
}

func organizationKey(id string) string       { return key(organizationKind, id) }
func userKey(organization, id string) string { return key(userKind, organization, id) }
func productKey(id string) string            { return key(productKind, id) }
func activationKey(set string) string        { return key(activationKind, set) }

// within gives a condition for the ids that are made of the parts and one more, greater than after.
func within(after string, parts ...string) bson.M {
	prefix := key(append(parts, "")...)
	return bson.M{"$gt": prefix + after, "$lt": behind(prefix)}
}

// behind returns the smallest key behind all that begin with one that ends with a slash.
func behind(prefix string) string { return prefix[:len(prefix)-1] + "0" }
