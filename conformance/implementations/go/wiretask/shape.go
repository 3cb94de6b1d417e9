package wiretask

// Shape says what a value is, to who must turn plain data into one.
type Shape struct {
	t      *Type
	fields []Field
	tags   tagged
	relay  string
}

// MessageShape is the shape of a message.
func MessageShape(layout *Layout) Shape {
	return Shape{fields: layout.fields, tags: layout.tags, relay: layout.relay}
}

// RelayedShape is the shape of a relayed struct.
func RelayedShape(layout RelayedLayout) Shape {
	fields := append(append([]Field{}, layout.fields...), Field{"body", body})
	return Shape{fields: fields, tags: layout.tags}
}

// Field is the shape of a field or a tag; of none, where there is no such field.
func (s Shape) Field(name string) Shape {
	if s.relay != "" && name == relayName(s.relay) {
		return Shape{t: &envelopeType}
	}
	for _, field := range s.fields {
		if field.name == name {
			return shapeOf(field.Type)
		}
	}
	for _, field := range s.tags {
		if field.name == name {
			return shapeOf(field.Type)
		}
	}
	return Shape{}
}

// Item is the shape of the items of a list.
func (s Shape) Item() Shape {
	if s.t == nil || s.t.item == nil {
		return Shape{}
	}
	return shapeOf(*s.t.item)
}

// IsNumber says whether it is an integer, an enum or flags.
func (s Shape) IsNumber() bool {
	return s.t != nil && (s.t.kind == number || s.t.kind == closedEnum || s.t.kind == flagSet)
}

// IsOctets says whether it is octets.
func (s Shape) IsOctets() bool {
	return s.t != nil && (s.t.kind == octets || s.t.kind == fixed || s.t.kind == relayed)
}

func shapeOf(t Type) Shape { return Shape{t: &t, fields: t.fields} }
