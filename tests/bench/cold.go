package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// runCold asks a server that has just started as many different questions as it takes for nearly each
// to be about facts that are in the store alone, and then a few thousand of them over and over.
func runCold(ctx context.Context, dir string, p plan) error {
	w, err := makeWorld(ctx, dir, p.many, p.cold)
	if err != nil {
		return err
	}
	data, cordon := filepath.Join(dir, "data-cold"), filepath.Join(dir, "cordon")
	bearer, err := copyStore(ctx, dir, cordon, data, w)
	if err != nil {
		return err
	}
	s, err := startCordon(ctx, dir, "cordon", data, bearer, w)
	if s != nil {
		defer s.stop()
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "cold: asking each question once")
	once, err := measureOnce(ctx, s, p)
	if err != nil {
		return err
	}
	s.requests = s.requests[:min(p.questions, len(s.requests))]
	again := row{name: fmt.Sprintf("%d of them over and over", len(s.requests))}
	for range p.fewer().rounds {
		m, err := measure(ctx, s, p)
		if err != nil {
			return err
		}
		again.measured = append(again.measured, m)
	}
	report(os.Stdout, fmt.Sprintf("Cordon with %d products, %d connections", w.products, p.connections), []row{
		{name: fmt.Sprintf("%d different questions behind a start", p.cold), measured: []measurement{once}}, again,
	})
	return nil
}
