-- Nobody looks on any more.
UNLISTEN ork_news
