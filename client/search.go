package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
)

// SearchRequest asks which subjects, resources or actions a question would be allowed for (AuthZEN
// 1.0, 8). Of what is searched for only the type counts; for actions there is no Action at all.
type SearchRequest struct {
	Subject  *Subject       `json:"subject,omitempty"`
	Action   *Action        `json:"action,omitempty"`
	Resource *Resource      `json:"resource,omitempty"`
	Context  map[string]any `json:"context,omitempty"`
	Page     *SearchPage    `json:"page,omitempty"`
}

// SearchPage cuts a search.
type SearchPage struct {
	Token string `json:"token,omitempty"`
	Limit *int   `json:"limit,omitempty"`
}

// SearchResponse is what was found. T is [Subject], [Resource] or [Action].
type SearchResponse[T any] struct {
	Page    *SearchNext `json:"page,omitempty"`
	Results []T         `json:"results"`
}

// SearchNext tells where a search goes on.
type SearchNext struct {
	NextToken string `json:"next_token"` // empty: this was the last page
	Count     int    `json:"count"`
}

// WhoMay makes the search for the users who may do something to a resource.
func WhoMay(action string, on Resource) SearchRequest {
	return SearchRequest{Subject: &Subject{Type: TypeUser}, Action: &Action{Name: action}, Resource: &on}
}

// WhichMay makes the search for the resources of a type to which a user may do something. Those of one organization are
// found where of names it, else those of all that the user is a member of.
func WhichMay(user, action, kind string, of ...string) SearchRequest {
	resource := &Resource{Type: kind}
	if len(of) > 0 {
		resource.Properties = map[string]any{"organization": of[0]}
	}
	return SearchRequest{Subject: &Subject{Type: TypeUser, ID: user}, Action: &Action{Name: action}, Resource: resource}
}

// WhatMay makes the search for the actions that a user may do to a resource.
func WhatMay(user string, on Resource) SearchRequest {
	return SearchRequest{Subject: &Subject{Type: TypeUser, ID: user}, Resource: &on}
}

// SearchSubjects gives the subjects for which a question is allowed, page by page to the end of the last. It ends after
// the first error: what came before it is not all there is. The caller may stop at any of them; pages that were not
// reached are not fetched. Page says how many a page has, and with a token where to begin.
func (c *Client) SearchSubjects(ctx context.Context, search SearchRequest) iter.Seq2[Subject, error] {
	return find(ctx, c, "subject", search, func(found Subject) string { return found.ID })
}

// SearchResources gives the resources for which a question is allowed; see [Client.SearchSubjects].
func (c *Client) SearchResources(ctx context.Context, search SearchRequest) iter.Seq2[Resource, error] {
	return find(ctx, c, "resource", search, func(found Resource) string { return found.ID })
}

// SearchActions gives the actions for which a question is allowed; see [Client.SearchSubjects].
func (c *Client) SearchActions(ctx context.Context, search SearchRequest) iter.Seq2[Action, error] {
	return find(ctx, c, "action", search, func(found Action) string { return found.Name })
}

// find gives the results of all pages of a search; name is what a result is told apart by.
func find[T any](ctx context.Context, c *Client, what string, search SearchRequest, name func(T) string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		search, none := search, *new(T) // of this walk: the next one begins anew
		for {
			page, err := findPage[T](ctx, c, what, &search)
			if err != nil {
				yield(none, err)
				return
			}
			for _, found := range page.Results {
				if name(found) == "" {
					yield(none, errors.New("the server gave a result of a search that names nothing"))
					return
				}
				if !yield(found, nil) {
					return
				}
			}
			if page.Page == nil || page.Page.NextToken == "" {
				return
			}
			next := SearchPage{Token: page.Page.NextToken}
			if search.Page != nil {
				if next.Token == search.Page.Token {
					yield(none, errors.New("the server gave the same page of a search twice"))
					return
				}
				next.Limit = search.Page.Limit
			}
			search.Page = &next
		}
	}
}

func findPage[T any](ctx context.Context, c *Client, what string, search *SearchRequest) (page SearchResponse[T], err error) {
	var answer struct {
		Page    *SearchNext `json:"page"`
		Results *[]T        `json:"results"`
	}
	_, err = c.do(ctx, call{
		method: http.MethodPost,
		path:   c.access("search", what),
		body:   search,
		decide: true,
		about:  []string{organizationOf(search.Resource)},
	}, &answer)
	if err != nil {
		return page, err
	}
	if answer.Results == nil { // nothing found is an empty list; an answer without one is none
		return page, errors.New("the server gave no results, not even none")
	}
	return SearchResponse[T]{Page: answer.Page, Results: *answer.Results}, nil
}

// Metadata is the document at /.well-known/authzen-configuration (AuthZEN 1.0, 9).
type Metadata struct {
	PolicyDecisionPoint       string   `json:"policy_decision_point"`
	AccessEvaluationEndpoint  string   `json:"access_evaluation_endpoint"`
	AccessEvaluationsEndpoint string   `json:"access_evaluations_endpoint,omitempty"`
	SearchSubjectEndpoint     string   `json:"search_subject_endpoint,omitempty"`
	SearchResourceEndpoint    string   `json:"search_resource_endpoint,omitempty"`
	SearchActionEndpoint      string   `json:"search_action_endpoint,omitempty"`
	Capabilities              []string `json:"capabilities,omitempty"`
	SignedMetadata            string   `json:"signed_metadata,omitempty"` // the other members and iss, as a signed token
}

// Metadata reads where a server, or the set of policies that is asked, has its endpoints. What is told of another than was
// asked comes with an error and must not be used (AuthZEN 1.0, 9.2.3): the server knows itself by another URL than
// this client does, or somebody else answers.
func (c *Client) Metadata(ctx context.Context) (Metadata, error) {
	path, identity := []string{".well-known", "authzen-configuration"}, c.base
	if c.set != "" {
		path, identity = append(path, "p", c.set), c.base+"/p/"+url.PathEscape(c.set)
	}
	var metadata Metadata
	if _, err := c.do(ctx, call{method: http.MethodGet, path: path}, &metadata); err != nil {
		return Metadata{}, err
	}
	if metadata.PolicyDecisionPoint != identity {
		return metadata, fmt.Errorf("the metadata is of %q, and %q was asked", metadata.PolicyDecisionPoint, identity)
	}
	return metadata, nil
}
