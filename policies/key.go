package policies

import "encoding/binary"

// maxKey is the length above which an input is not memoized: nothing real is that long.
const maxKey = 512

// appendKey appends what tells an input from every other: its flags in one number, its strings after their lengths.
func appendKey(b []byte, in *Input) []byte {
	var flags uint64
	for i, set := range [...]bool{
		in.Subject.Member, in.Subject.Granted, in.Subject.Blocked, in.Subject.Itself,
		in.Resource.Known, in.Resource.Maintenance,
		in.Organization.OtherAdmins, in.Organization.OtherLegalRepresentatives,
		in.Act != nil, in.Act != nil && in.Act.Justification,
		in.Time != nil, in.Time != nil && in.Time.Minute != nil,
		in.Act != nil && in.Act.Ends, in.Organization.Settings != nil,
	} {
		if set {
			flags |= 1 << i
		}
	}
	b = binary.AppendUvarint(b, flags)
	b = appendString(b, in.Action.Name)
	b = appendString(b, in.Action.Channel)
	b = appendString(b, in.Action.Role)
	b = appendString(b, in.Subject.Kind)
	b = appendString(b, in.Subject.Role)
	b = appendStrings(b, in.Subject.BlockedChannels)
	b = appendString(b, in.Resource.Type)
	b = appendString(b, in.Resource.Kind)
	b = appendStrings(b, in.Resource.Blocks)
	b = appendString(b, in.Resource.Role)
	b = appendString(b, in.Resource.Channel)
	if chosen := in.Organization.Settings; chosen != nil {
		b = append(b, appendChoice(0, chosen.AdministratorsManageBlockedProducts, chosen.BlocksMustEnd))
		b = appendString(b, chosen.ProductEventsTo)
	}
	if in.Act != nil {
		b = appendString(b, in.Act.Origin)
		b = appendString(b, in.Act.Code)
	}
	if in.Time != nil {
		b = appendString(b, in.Time.Weekday)
		b = binary.AppendVarint(b, int64(in.Time.Hour))
		if in.Time.Minute != nil {
			b = binary.AppendVarint(b, int64(*in.Time.Minute))
		}
	}
	return b
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendChoice appends what was chosen, no, yes or nothing, to a number.
func appendChoice(n byte, choices ...*bool) byte {
	for _, choice := range choices {
		switch n *= 3; {
		case choice == nil:
		case *choice:
			n += 2
		default:
			n++
		}
	}
	return n
}

func appendStrings(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendString(b, s)
	}
	return b
}
