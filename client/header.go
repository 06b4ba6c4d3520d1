package client

// Headers of requests and answers.
const (
	HeaderActor          = "Cordon-Actor"       // the user for whom a key with the scope act acts
	HeaderAgent          = "Cordon-Agent"       // the agent for whom a key with the scope support acts
	HeaderAtLeast        = "Cordon-At-Least"    // org=revision, ...: decide at that revision or later
	HeaderExplain        = "Cordon-Explain"     // whom to explain a decision to: ExplainUser or ExplainAdmin
	HeaderPurpose        = "Cordon-Purpose"     // why the log is read, for the record of the reading
	HeaderDecisionID     = "Cordon-Decision-Id" // the record of a decision
	HeaderBatchID        = "Cordon-Batch-Id"    // which the records of a batch carry
	HeaderPolicy         = "Cordon-Policy"      // digest of the policy that decided
	HeaderRevision       = "Cordon-Revision"    // the organization's revision that it was decided at
	HeaderRequestID      = "X-Request-Id"
	HeaderIdempotencyKey = "Idempotency-Key"
	HeaderReplayed       = "Idempotency-Replayed" // "true": the first answer again, nothing was done
	HeaderCursor         = "Cordon-Cursor"        // of an export: the same records again
	HeaderNextCursor     = "Cordon-Next-Cursor"   // and those that come behind them
	HeaderRateLimit      = "Ratelimit"            // what the caller may still ask
	HeaderRatePolicy     = "Ratelimit-Policy"     // how much that is at most
)
