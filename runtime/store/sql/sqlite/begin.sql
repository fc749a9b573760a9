-- Every write starts as a writer: a reader that becomes one later may be refused.
BEGIN IMMEDIATE
