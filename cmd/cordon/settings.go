package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cordon.example/client"

	"github.com/spf13/cobra"
)

// organizationSetting is one that an organization may choose.
type organizationSetting struct {
	name string
	show func(*client.OrganizationSettings) string // empty where it is not chosen
	set  func(*client.OrganizationSettings, string) bool
}

// organizationSettings are all that there are.
func organizationSettings() []organizationSetting {
	choice := func(name string, of func(*client.OrganizationSettings) **bool) organizationSetting {
		return organizationSetting{name, func(s *client.OrganizationSettings) string {
			if chosen := *of(s); chosen != nil {
				return strconv.FormatBool(*chosen)
			}
			return ""
		}, func(s *client.OrganizationSettings, value string) bool {
			if *of(s) = nil; value == unset {
				return true
			}
			*of(s) = new(value == "true")
			return value == "true" || value == "false"
		}}
	}
	return []organizationSetting{
		choice(client.SettingAdministratorsManage, func(s *client.OrganizationSettings) **bool { return &s.AdministratorsManageBlockedProducts }),
		choice(client.SettingBlocksMustEnd, func(s *client.OrganizationSettings) **bool { return &s.BlocksMustEnd }),
		{
			client.SettingProductEventsTo, func(s *client.OrganizationSettings) string { return s.ProductEventsTo },
			func(s *client.OrganizationSettings, value string) bool {
				if s.ProductEventsTo = value; value == unset {
					s.ProductEventsTo = ""
				}
				return slices.Contains([]string{unset, client.ToMembers, client.ToAdmins, client.ToLegalRepresentatives}, value)
			},
		},
	}
}

// settings shows and sets what an organization chose.
func (a *app) settings() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "settings",
		Short: "Show and set what an organization chooses of what the policy leaves to it",
		Long: `Show and set what an organization chooses for itself: whether its administrators still manage a blocked product,
whether every block must have an end, and who is told of blocks and maintenance of products. The policy says which
of them it leaves to organizations, and what holds where one chose nothing.`,
		Example: `  cordon settings show --organization acme
  cordon settings set blocks_must_end=true --organization acme --as anna`,
	}
	formats := []string{"table", "json"}
	cmd.AddCommand(
		a.make(command{
			use: "show --organization ID", short: "Show what an organization chose, and what holds in it",
			example: `  cordon settings show --organization acme`, settings: append(slices.Clone(asking), "organization"),
			required: []string{"organization"}, formats: formats,
			run: func(ctx context.Context, c config, _ []string) error {
				remote, err := a.remote(c)
				if err != nil {
					return err
				}
				settings, err := remote.Settings(ctx, c.text("organization"))
				if err != nil {
					return a.failed(c, err)
				}
				return a.printSettings(c, &settings)
			},
		}),
		a.make(command{
			use: "set NAME=VALUE... --organization ID", short: "Set what an organization chooses, and leave the rest as it is",
			long: `Set what an organization chooses, and leave the rest as it is: administrators_manage_blocked_products and
blocks_must_end to true or false, product_events_to to members, admins or legal_representatives; "default" takes a
choice back. Two who set at once do not undo each other: the second is told to look again.`,
			example: `  cordon settings set blocks_must_end=true --organization acme --as anna
  cordon settings set product_events_to=default --organization acme`,
			args: cobra.MinimumNArgs(1), settings: append(slices.Clone(asking), "organization", "as"), required: []string{"organization"},
			formats: formats, run: a.setSettings,
		}),
	)
	a.needCommand(cmd)
	return cmd
}

func (a *app) setSettings(ctx context.Context, c config, args []string) error {
	given := map[string]string{}
	var scratch client.OrganizationSettings
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		i := slices.IndexFunc(organizationSettings(), func(s organizationSetting) bool { return s.name == name })
		if _, twice := given[name]; i < 0 || twice || !organizationSettings()[i].set(&scratch, value) {
			return wrongUse("%q sets nothing: write each setting once, as in blocks_must_end=true; see cordon settings set --help", arg)
		}
		given[name] = value
	}
	remote, err := a.remote(c)
	if err != nil {
		return err
	}
	settings, err := remote.Settings(ctx, c.text("organization"))
	if err != nil {
		return a.failed(c, err)
	}
	for _, setting := range organizationSettings() {
		if value, ok := given[setting.name]; ok {
			setting.set(&settings.OrganizationSettings, value)
		}
	}
	settings, err = remote.IfMatch(settings.ETag).PutSettings(ctx, c.text("organization"), settings.OrganizationSettings)
	if errors.Is(err, client.ErrPreconditionFailed) {
		return errors.New("somebody else has changed them meanwhile: look with cordon settings show, and set them again")
	}
	if err != nil {
		return a.failed(c, err)
	}
	return a.printSettings(c, &settings)
}

func (a *app) printSettings(c config, s *client.Settings) error {
	if c.text("output") == "json" {
		return a.printJSON(s)
	}
	t := a.table("SETTING", "IN FORCE", "CHOSEN", "LEFT TO ORGANIZATIONS")
	for _, setting := range organizationSettings() {
		left := "no"
		if slices.Contains(s.Left, setting.name) {
			left = "yes"
		}
		t.row(setting.name, setting.show(&s.InForce), setting.show(&s.OrganizationSettings), left)
	}
	if err := t.end(); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
