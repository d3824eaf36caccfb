"""Launches: accepted durably, worked on by the batch code, waited for, acted on."""
