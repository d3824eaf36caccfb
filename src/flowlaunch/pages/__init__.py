"""The page kit: what the sandbox's and the gateway's live pages are made of.

Server-rendered Jinja2 templates, one style sheet, small ES modules, live by server-sent events. No build step, no
inline script or style, no request to anybody else. Import from the modules; nothing is loaded here.
"""
