-- Nobody registers, beats or stores while a copy looks whether it is alone.
LOCK TABLE schedulers IN SHARE ROW EXCLUSIVE MODE
