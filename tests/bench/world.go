package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"

	"cordon.example/client"
)

// world is the directory that all servers know, and the questions that are asked about it.
type world struct {
	file      string // NDJSON, for cordon import
	data      string // the same as a JSON document, for opa
	questions []client.EvaluationRequest
	products  int
}

// opaWorld is the directory as opa gets it.
type opaWorld struct {
	Users    map[string]map[string]opaUser `json:"users"` // organization, user
	Products map[string]opaProduct         `json:"products"`
}

type opaUser struct {
	Role   string          `json:"role"`
	Grants map[string]bool `json:"grants"`
}

type opaProduct struct {
	Organization string `json:"organization"`
	Kind         string `json:"kind"`
}

func makeWorld(ctx context.Context, dir string, count, questions int) (*world, error) {
	w := &world{file: filepath.Join(dir, "world.ndjson"), data: filepath.Join(dir, "world.json")}
	made, err := exec.CommandContext(ctx, filepath.Join(dir, "cordon"), "demo", "--organizations", fmt.Sprint(count), "--seed", "1").Output()
	if err != nil {
		return nil, fmt.Errorf("make up a directory: %w", err)
	}
	if err := os.WriteFile(w.file, made, 0o600); err != nil {
		return nil, fmt.Errorf("write: %w", err)
	}
	known := opaWorld{Users: map[string]map[string]opaUser{}, Products: map[string]opaProduct{}}
	var users, products []string
	organizations := map[string][2][]string{}
	lines := bufio.NewScanner(bytes.NewReader(made))
	for lines.Scan() {
		var line client.ImportLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("read the directory: %w", err)
		}
		add := func(org, user, role string, grants []string) {
			if known.Users[org] == nil {
				known.Users[org] = map[string]opaUser{}
			}
			u := opaUser{Role: role, Grants: map[string]bool{}}
			for _, g := range grants {
				u.Grants[g] = true
			}
			known.Users[org][user] = u
			both := organizations[org]
			both[0] = append(both[0], user)
			organizations[org] = both
			users = append(users, user)
		}
		switch {
		case line.Organization != nil:
			add(line.Organization.ID, line.Organization.LegalRepresentative.ID, "legal_representative", nil)
		case line.User != nil:
			add(line.User.Organization, line.User.ID, line.User.Role, line.User.Grants)
		case line.Product != nil:
			known.Products[line.Product.ID] = opaProduct{Organization: line.Product.Organization, Kind: line.Product.Kind}
			both := organizations[line.Product.Organization]
			both[1] = append(both[1], line.Product.ID)
			organizations[line.Product.Organization] = both
			products = append(products, line.Product.ID)
		}
	}
	data, err := json.Marshal(map[string]any{"world": known})
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same questions each time
	for range questions {
		product := products[random.IntN(len(products))]
		mates := organizations[known.Products[product].Organization][0]
		w.questions = append(w.questions, client.EvaluationRequest{
			Subject:  client.Subject{Type: "user", ID: mates[random.IntN(len(mates))]},
			Action:   client.Action{Name: "manage"},
			Resource: client.Resource{Type: "product", ID: product},
		})
	}
	w.products = len(products)
	fmt.Fprintf(os.Stderr, "%d organizations, %d users, %d products\n", len(organizations), len(users), len(products))
	return w, os.WriteFile(w.data, data, 0o600)
}
