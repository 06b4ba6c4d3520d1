package mongo

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
)

// writes are what a transaction writes, for each collection in order.
type writes struct {
	collections []string
	models      map[string][]driver.WriteModel
}

func (w *writes) add(collection string, models ...driver.WriteModel) {
	if w.models == nil {
		w.models = make(map[string][]driver.WriteModel)
	}
	if w.models[collection] == nil {
		w.collections = append(w.collections, collection)
	}
	w.models[collection] = append(w.models[collection], models...)
}

func (w *writes) replace(collection string, filter bson.M, with any) {
	w.add(collection, driver.NewReplaceOneModel().SetFilter(filter).SetReplacement(with).SetUpsert(true))
}

// write carries writes out.
func (t *tx) write(ctx context.Context, doing string, w writes) error {
	call, err := t.enter(ctx)
	if err != nil {
		return err
	}
	for _, collection := range w.collections {
		if _, err := t.store.collection(collection).BulkWrite(call, w.models[collection]); err != nil {
			return t.fail(doing, err)
		}
	}
	return nil
}

func (w *writes) remove(collection, id string) {
	w.add(collection, driver.NewDeleteOneModel().SetFilter(bson.M{"_id": id}))
}
