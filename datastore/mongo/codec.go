package mongo

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// timeFormat has a fixed width, so that text compares as the times do.
const timeFormat = "2006-01-02T15:04:05.000000000Z"

// timeText gives a time as it is kept. Years of more than four digits do not fit, as in JSON.
func timeText(t time.Time) string { return t.UTC().Format(timeFormat) }

// registry gives the codecs of nouns: those of the driver, but times are text and no time is null.
func registry() *bson.Registry {
	r := bson.NewRegistry()
	r.RegisterTypeEncoder(reflect.TypeFor[time.Time](), bson.ValueEncoderFunc(encodeTime))
	r.RegisterTypeDecoder(reflect.TypeFor[time.Time](), bson.ValueDecoderFunc(decodeTime))
	return r
}

func encodeTime(_ bson.EncodeContext, w bson.ValueWriter, v reflect.Value) error {
	t, ok := v.Interface().(time.Time)
	switch {
	case !ok:
		return fmt.Errorf("encode %s as a time", v.Type())
	case t.IsZero():
		return w.WriteNull()
	case t.UTC().Year() < 0 || t.UTC().Year() > 9999:
		return errors.New("encode a time: the year is outside of 0 to 9999")
	}
	return w.WriteString(timeText(t))
}

func decodeTime(_ bson.DecodeContext, r bson.ValueReader, v reflect.Value) error {
	if r.Type() == bson.TypeNull {
		v.SetZero()
		return r.ReadNull()
	}
	text, err := r.ReadString()
	if err != nil {
		return err
	}
	t, err := time.Parse(timeFormat, text)
	if err != nil {
		return errors.New("decode a time: it is not in the form that times are kept in")
	}
	v.Set(reflect.ValueOf(t))
	return nil
}
