package guard

import (
	"slices"
	"strings"
	"time"

	"cordon/datastore"
	"cordon/ledger/record"
	"cordon/policies"
)

// facts is what is known of a question at one revision: the cached form of datastore.Facts, without
// names and addresses.
type facts struct {
	organization *snapshot // nil: unknown
	member       *membership
	product      *productState

	target       *membership
	targetBlocks []datastore.Block
	admins       []datastore.Member
}

// snapshot is one organization at one revision.
type snapshot struct {
	id       string
	revision int64
	settings *policies.OrganizationSettings // nil: it chose nothing
}

func snapshotOf(o *datastore.Organization) *snapshot {
	return &snapshot{id: o.ID, revision: o.Revision, settings: (*policies.OrganizationSettings)(o.Settings)}
}

type membership struct {
	role   string
	grants []string // sorted
	blocks []datastore.Block
}

type productState struct {
	kind        string
	blocks      []datastore.Block
	maintenance *datastore.Maintenance
}

func membershipOf(m *datastore.Member) *membership {
	if m == nil {
		return nil
	}
	return &membership{role: intern(m.Role), grants: m.Grants, blocks: m.Blocks}
}

func productOf(p *datastore.Product) *productState {
	if p == nil {
		return nil
	}
	return &productState{kind: p.Kind, blocks: p.Blocks, maintenance: p.Maintenance}
}

func factsOf(f *datastore.Facts) facts {
	return facts{
		organization: snapshotOf(&f.Organization),
		member:       membershipOf(f.Member),
		product:      productOf(f.Product),
		target:       membershipOf(f.Target),
		targetBlocks: f.TargetBlocks,
		admins:       f.Admins,
	}
}

// intern gives the constant for a role, so that cached members share it.
func intern(role string) string {
	switch role {
	case datastore.LegalRepresentative:
		return datastore.LegalRepresentative
	case datastore.Administrator:
		return datastore.Administrator
	case datastore.Collaborator:
		return datastore.Collaborator
	case datastore.Client:
		return datastore.Client
	}
	return role
}

// project turns a question and what is known into the input of the rules. Time limits become flags
// here, so that the rules need no clock and equal inputs share an answer (docs/design.md 3.1).
func project(in *policies.Input, q *record.Question, k *facts, now time.Time) {
	in.Action = policies.NewAction(q.Action.Name, q.Action.Channel, q.Action.Role)
	// Whoever asks a question may name any type of subject; only a mutation's own origin can be the host
	// or an agent (see askIn).
	in.Subject.Kind = policies.SubjectOther
	if q.Subject.Type == policies.SubjectUser {
		in.Subject.Kind = policies.SubjectUser
	}
	if m := k.member; m != nil && in.Subject.Kind == policies.SubjectUser {
		in.Subject.Member = true
		in.Subject.Role = m.role
		in.Subject.Blocked, in.Subject.BlockedChannels = blockedChannels(m.blocks, now)
	}
	in.Resource.Type = q.Resource.Type
	if k.organization == nil {
		return
	}
	in.Organization.Settings = k.organization.settings
	switch q.Resource.Type {
	case "product":
		if p := k.product; p != nil {
			in.Resource.Known = true
			in.Resource.Kind = p.kind
			in.Resource.Blocks = origins(p.blocks, now)
			in.Resource.Maintenance = p.maintenance != nil && datastore.InForce(p.maintenance.ExpiresAt, now)
			if in.Subject.Member {
				_, in.Subject.Granted = slices.BinarySearch(k.member.grants, q.Resource.ID)
			}
		}
	case "user":
		if t := k.target; t != nil {
			in.Resource.Known = true
			in.Resource.Role = t.role
			in.Resource.Blocks = origins(k.targetBlocks, now)
			in.Subject.Itself = in.Subject.Kind == policies.SubjectUser && q.Subject.ID == q.Resource.ID
			in.Organization.OtherAdmins, in.Organization.OtherLegalRepresentatives = others(k.admins, q.Resource.ID, now)
		}
	case "organization":
		in.Resource.Known = k.organization.id == q.Resource.ID
	case "channel":
		in.Resource.Known = true
		in.Resource.Channel = q.Resource.ID
	}
}

// origins gives the origins whose blocks are in force, sorted and unique; nil for none.
func origins(blocks []datastore.Block, now time.Time) []string {
	var standing []string
	for i := range blocks {
		if blocks[i].InForce(now) && !slices.Contains(standing, blocks[i].Origin) {
			standing = append(standing, blocks[i].Origin)
		}
	}
	slices.Sort(standing)
	return standing
}

// blockedChannels tells whether any block is in force, and which channels those in force name.
func blockedChannels(blocks []datastore.Block, now time.Time) (blocked bool, named []string) {
	for i := range blocks {
		if blocks[i].InForce(now) {
			blocked = true
			named = append(named, blocks[i].Channels...)
		}
	}
	slices.Sort(named)
	return blocked, slices.Compact(named)
}

// others tells who remains beside the target (docs/domain.md R4, R5).
func others(admins []datastore.Member, target string, now time.Time) (unblocked, legal bool) {
	for i := range admins {
		if admins[i].ID == target {
			continue
		}
		if admins[i].Role == datastore.LegalRepresentative {
			legal = true
		}
		if !admins[i].BlockedAt(now) {
			unblocked = true
		}
	}
	return unblocked, legal
}

// standing leaves out the blocks that have ended.
func standing(blocks []datastore.Block, now time.Time) []datastore.Block {
	return slices.DeleteFunc(slices.Clone(blocks), func(b datastore.Block) bool {
		return !b.InForce(now)
	})
}

// sorted gives a set as a sorted list without duplicates, its strings not shared with a bigger buffer.
func sorted(set []string) []string {
	list := make([]string, len(set))
	for i := range set {
		list[i] = strings.Clone(set[i])
	}
	slices.Sort(list)
	return slices.Compact(list)
}
