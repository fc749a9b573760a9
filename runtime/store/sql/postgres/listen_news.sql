-- Runs changed: for who looks on.
LISTEN ork_news
