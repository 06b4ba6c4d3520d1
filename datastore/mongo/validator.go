package mongo

import (
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// field says what a member of a document must be. It is there, unless it is optional.
type field struct {
	name     string
	absent   bool // it may be
	types    []string
	values   []string
	pattern  string
	minimum  int
	elements *field
	fields   []field
}

// instantPattern is what [timeText] makes.
const instantPattern = `^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{9}Z$`

func text(name string) field   { return field{name: name, types: []string{"string"}} }
func blob(name string) field   { return field{name: name, types: []string{"binData", "null"}} }
func number(name string) field { return field{name: name, types: []string{"int", "long"}} }
func instant(name string) field {
	return field{name: name, types: []string{"string"}, pattern: instantPattern}
}

// moment is an instant, or null where there is none.
func moment(name string) field { return instant(name).orNull() }

func positive(name string) field {
	f := number(name)
	f.minimum = 1
	return f
}

func choice(name string, values ...string) field {
	f := text(name)
	f.values = values
	return f
}

func worded(name, pattern string) field {
	f := text(name)
	f.pattern = pattern
	return f
}

func object(name string, fields ...field) field {
	return field{name: name, types: []string{"object"}, fields: fields}
}

// array is a list, or null: that is how one without elements may be kept.
func array(name string, of field) field {
	return field{name: name, types: []string{"array", "null"}, elements: &of}
}

func (f field) optional() field {
	f.absent = true
	return f
}

func (f field) orNull() field {
	f.types = append(slices.Clone(f.types), "null")
	return f
}

// schema gives the JSON schema of a field.
func (f field) schema() bson.M {
	s := bson.M{"bsonType": f.types}
	if f.values != nil {
		s["enum"] = f.values
	}
	if f.pattern != "" {
		s["pattern"] = f.pattern
	}
	if f.minimum != 0 {
		s["minimum"] = f.minimum
	}
	if f.elements != nil {
		s["items"] = f.elements.schema()
	}
	if f.fields != nil {
		required, properties := []string{}, bson.M{}
		for _, member := range f.fields {
			properties[member.name] = member.schema()
			if !member.absent {
				required = append(required, member.name)
			}
		}
		s["required"], s["properties"] = required, properties
	}
	return s
}

// validator gives what a collection's documents are held against.
func (c collection) validator() bson.M {
	var shapes bson.A
	for _, fields := range c.shapes {
		shapes = append(shapes, object("", fields...).schema())
	}
	switch len(shapes) {
	case 0:
		return bson.M{}
	case 1:
		return bson.M{"$jsonSchema": shapes[0]}
	}
	return bson.M{"$jsonSchema": bson.M{"oneOf": shapes}}
}
