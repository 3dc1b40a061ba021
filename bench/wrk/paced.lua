-- Leaves room between requests: each connection waits for args[1] to args[2] milliseconds after an answer.

local least, most

function init(args)
   least, most = tonumber(args[1]), tonumber(args[2])
end

function delay()
   return math.random(least, most)
end
