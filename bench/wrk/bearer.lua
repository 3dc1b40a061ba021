-- Asks with a token that was never seen before, at each request another.
--   wrk … -- FILE
-- FILE has one token a line; thread 0 reads FILE.0, thread 1 FILE.1.

local threads = 0

function setup(thread)
   thread:set("number", threads)
   threads = threads + 1
end

function init(args)
   tokens, at = {}, 0
   for line in io.lines(args[1] .. "." .. number) do
      tokens[#tokens + 1] = line
   end
   -- Without the empty line at its end. Putting a request together anew each time would cost more than sending it.
   head = wrk.format():sub(1, -3) .. "Authorization: Bearer "
end

function request()
   at = at + 1
   return head .. (tokens[at] or error("no token is left that was never seen")) .. "\r\n\r\n"
end
