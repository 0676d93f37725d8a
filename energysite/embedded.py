from urllib.parse import urlsplit, unquote


def parse_database_url(url):
    u = urlsplit(url)
    from urllib.parse import parse_qs
    q = {k: v[0] for k, v in parse_qs(u.query).items()}
    return {"NAME": unquote(u.path.lstrip("/")), "USER": unquote(u.username or ""), "PASSWORD": unquote(u.password or ""),
            "HOST": q.get("host", u.hostname or ""), "PORT": str(u.port or "")}
